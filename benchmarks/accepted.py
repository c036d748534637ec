"""Accepted rows per hour: `labelmill run` beside Ray Data's LLM stage, tuned, before the same denoiser.

    python benchmarks/accepted.py --rounds 3 --json accepted.json     # half an hour, estimated

Both work on the demo's task until its quotas are met, with the same model, engine arguments, prompts and judge, each
in processes of its own, taking turns. The peer plans its waves in the same way, but one after the other, and its
engine loads anew with each (an execution of the processor); it asks for prompts as they are, a row per sample. Time
runs from the process's start to the last verdict: no student is trained.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import psutil
import typer
from contenders import ray_data
from contenders.work import TASK

from cluster.rounds import accepted_per_label
from cluster.store import Store

CONTENDERS = ("labelmill", "ray data, tuned, and the same denoiser")
SETTINGS = ["runtime.max_num_seqs=128", "runtime.kv_cache_gb=1"]
LIMIT_SECONDS = 1500.0


def main(
    rounds: Annotated[int, typer.Option(min=1)] = 3,
    quota: Annotated[int, typer.Option(min=1, help="accepted rows wanted per label")] = 40,
    json_file: Annotated[Path | None, typer.Option("--json")] = None,
    peer: Annotated[Path | None, typer.Option(hidden=True)] = None,
) -> None:
    """Let them take turns, print a Markdown table of medians."""
    if peer is not None:  # the peer's own process
        ray_data.run_waves(TASK, [*SETTINGS, f"quota={quota}"], peer)
        return
    turns: dict[str, list[dict[str, Any]]] = {name: [] for name in CONTENDERS}
    for turn in range(rounds):
        for name in CONTENDERS:
            turns[name].append(measure(name, quota))
            print(f"round {turn} {name}: {turns[name][-1]}", file=sys.stderr, flush=True)
    print("| | accepted rows/hour | accepted | generated | waves | seconds |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for name, mine in turns.items():
        median = {key: statistics.median(each[key] for each in mine) for key in mine[0]}
        figures = [median[key] for key in ("per_hour", "accepted", "generated", "waves", "seconds")]
        print(f"| {name} | {' | '.join(f'{figure:,.0f}' for figure in figures)} |")
    if json_file:
        json_file.write_text(json.dumps(turns, indent=2) + "\n")


def measure(name: str, quota: int) -> dict[str, Any]:
    """One turn: start the process, wait for the record that no more waves come, and end it."""
    with tempfile.TemporaryDirectory(prefix="labelmill-accepted-") as folder:
        run = Path(folder) / "run"
        if name == CONTENDERS[0]:
            changes = [part for change in (*SETTINGS, f"quota={quota}") for part in ("--set", change)]
            command = [sys.executable, "-m", "cluster", "run", str(TASK), "--run", str(run), *changes]
        else:
            command = [sys.executable, __file__, "--quota", str(quota), "--peer", str(run)]
        began = time.monotonic()
        with _process(command, Path(folder) / "words.txt") as child:
            while not (run / "rounds/000/stop.json").is_file():
                if child.poll() is not None or time.monotonic() - began > LIMIT_SECONDS:
                    raise SystemExit((Path(folder) / "words.txt").read_text()[-2000:])
                time.sleep(0.2)
            seconds = time.monotonic() - began
        store = Store(run)
        accepted = accepted_per_label(store, [0]).total()
        return {
            "per_hour": 3600 * accepted / seconds,
            "accepted": accepted,
            "generated": store.generated(0, ["id"]).num_rows,
            "waves": len(store.parts(0, "requests")),
            "seconds": seconds,
        }


@contextmanager
def _process(command: list[str], words: Path) -> Iterator[psutil.Popen]:
    """A process that is ended, with its children, when the block ends."""
    with words.open("wb") as sink:
        child = psutil.Popen(command, stdout=sink, stderr=subprocess.STDOUT)
        try:
            yield child
        finally:
            family = [*child.children(recursive=True), child] if child.is_running() else []
            for each in family:
                try:
                    each.terminate()
                except psutil.Error:
                    continue
            psutil.wait_procs(family, timeout=30)
            child.wait()


if __name__ == "__main__":
    typer.run(main)
