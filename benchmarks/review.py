"""How long does the review page take for an answer, on a large run?

    python benchmarks/review.py --json review.json

A run of made-up rows is written as engines and driver would write it, a lot of it is opened, and `labelmill review`
serves it. One person's answers go to it over HTTP as the page's script sends them: the form, then the next row that the
answer leads to. An answer's time is from the first byte sent to the last byte of the next row; `cpu_ms` is the server's
processor time an answer, whatever else the machine does.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlencode, urlsplit

import psutil
import typer
from made_run import RUN_ID, make_run

from cluster.audit.lots import open_lot
from cluster.dataset import materialise
from cluster.store import Store
from denoise.audit.assurance import Assurance

ASSURANCE = Assurance(accept=0.002, reject=0.01, plan="fixed")  # so many rows that the lot is not decided meanwhile
CYCLE = ("accept", "accept", "edit", "label", "undo", "accept", "skip", "discard", "undo", "accept")


def main(
    rows: Annotated[int, typer.Option(help="rows of the run")] = 100_000,
    answers: Annotated[int, typer.Option(help="answers to time")] = 400,
    out: Annotated[Path | None, typer.Option("--json", help="write the figures here")] = None,
) -> None:
    """Make the run, serve it, answer."""
    with tempfile.TemporaryDirectory() as folder:
        store = make_run(Path(folder) / "run", rows)
        materialise(store, 0, RUN_ID)
        lot = open_lot(store, ASSURANCE)
        began = time.monotonic()
        with served(store) as (address, process):
            visitor = Visitor(address)
            figures: dict[str, Any] = {"rows": rows, "sample": len(lot.sample), "start": time.monotonic() - began}
            before = _cpu_ms(process)
            figures |= figures_of([visitor.act(CYCLE[number % len(CYCLE)]) for number in range(answers)])
            figures["cpu_ms"] = (_cpu_ms(process) - before) / answers
            figures["memory_mib"] = psutil.Process(process.pid).memory_info().rss / 2**20
    for name, value in figures.items():
        print(f"{name:<12} {value:,.1f}" if isinstance(value, float) else f"{name:<12} {value}")
    if out:
        out.write_text(json.dumps(figures, indent=2) + "\n")


@contextmanager
def served(store: Store) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The page's address, and its process."""
    command = [sys.executable, "-m", "cluster", "review", str(store.root), "--port", "0"]
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().split()[1], process
        finally:
            process.terminate()


class Visitor:
    """A person's browser: one connection, its cookies, and the page that it shows."""

    def __init__(self, address: str) -> None:
        self._host = urlsplit(address).netloc
        self._connection = http.client.HTTPConnection(self._host)
        self._cookies: dict[str, str] = {}
        self._html = self._ask("GET", "/hello")
        self._send("/hello", name="anna")

    def act(self, action: str) -> tuple[str, float]:
        """Milliseconds until the next row is there."""
        row = self._hidden["row"]
        fields = {"action": action, "seconds": "1.0"}
        if action == "label":
            fields = {"label": "label_01" if "<bdi>label_00</bdi><span" in self._html else "label_00"}
        if action == "edit":
            fields |= {"text": f"other words for {row}"}
        began = time.perf_counter()
        self._send({"skip": "/skip", "undo": "/undo"}.get(action, "/verdict"), **fields)
        spent = 1000 * (time.perf_counter() - began)
        assert self._hidden["row"] != row, f"{action} did not go on from {row}"
        return action, spent

    @property
    def _hidden(self) -> dict[str, str]:
        return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', self._html))

    def _send(self, to: str, **fields: str) -> None:
        self._html = self._ask("POST", to, urlencode({**self._hidden, **fields}))

    def _ask(self, method: str, to: str, body: str | None = None) -> str:
        cookies = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        headers = {"Cookie": cookies, "Content-Type": "application/x-www-form-urlencoded"}
        if method == "POST":
            headers["Origin"] = f"http://{self._host}"
        self._connection.request(method, to, body, headers)
        answer = self._connection.getresponse()
        text = answer.read().decode()
        for line in answer.headers.get_all("Set-Cookie") or []:
            name, _, value = line.partition(";")[0].partition("=")
            self._cookies[name] = value.strip('"')
        assert answer.status in (200, 303), f"{method} {to}: {answer.status} {text[:200]}"
        return self._ask("GET", answer.headers["Location"]) if answer.status == 303 else text


def figures_of(timed: list[tuple[str, float]]) -> dict[str, float]:
    """Median, 95th percentile and longest of all answers, and the 95th percentile of each kind."""
    times = [spent for _, spent in timed]
    figures = {"median_ms": statistics.median(times), "p95_ms": _p95(times), "most_ms": max(times)}
    kinds = sorted({action for action, _ in timed})
    return figures | {f"p95_{kind}": _p95([spent for action, spent in timed if action == kind]) for kind in kinds}


def _cpu_ms(process: subprocess.Popen[str]) -> float:
    """Processor time that the server has used."""
    used = psutil.Process(process.pid).cpu_times()
    return 1000 * (used.user + used.system)


def _p95(times: list[float]) -> float:
    return statistics.quantiles(times, n=20, method="inclusive")[-1]


if __name__ == "__main__":
    typer.run(main)
