"""A run that nobody had to make, a lot of it, and a server of its review in a process of its own."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cluster.audit.lots import Sampled
from cluster.review.app import rows_site
from cluster.review.opening import open_desk
from cluster.review.server import addresses, listening, make_server
from cluster.store import Store
from denoise.audit.assurance import Assurance
from denoise.audit.plans import Decision
from generation.records import rows_table, verdicts_table

LABELS = [
    {
        "name": "late",
        "description": "says that an order has not come",
        "rules": ["A lost parcel counts here."],
        "counter_examples": [{"text": "It came, but it is broken.", "label": "broken"}],
    },
    {"name": "broken", "description": "says that something does not work"},
    {"name": "refund", "description": "asks for money back"},
]
SEEDS = [
    {"id": "s0", "text": "my parcel has not arrived", "label": "late", "line": 1},
    {"id": "s1", "text": "the kettle does not heat", "label": "broken", "line": 2},
    {"id": "s2", "text": "when do I get my money", "label": "refund", "line": 3},
]


@dataclass(frozen=True)
class FakeLot:
    """Passes after `wanted` outcomes, unless more than 20 of them were defects."""

    sample: Sequence[Sampled]
    wanted: int = 1000
    number: int = 0
    folder: str = "audit/lot-000"
    size: int = 500
    assurance: Assurance = field(default_factory=Assurance)
    title: str = "lot 0, 500 rows"

    def is_closed(self, store: Store) -> bool:
        return False

    def decide(self, outcomes: Sequence[bool]) -> Decision:
        checked, defects = len(outcomes), sum(outcomes)
        state = "failed" if defects > 20 else "passed" if checked >= self.wanted else "open"
        share = defects / checked if checked else 0.0
        return Decision(state, checked, defects, share, share / 2, min(1.0, share * 2 + 0.05), self.wanted - checked)


def row(name: str, text: str, label: str = "late", **more: Any) -> dict[str, Any]:
    """A generated row with the id `name`."""
    made = {"id": name, "request_id": name, "round": 0, "wave": 0, "source": "generated", "text": text, "label": label}
    return made | {"intended_label": label, "seed_ids": ["s0"], "attributes": {}, "sampling": {}} | more


def machine(name: str, label: str = "late", status: str = "accepted", **more: Any) -> dict[str, Any]:
    """The machine's verdict on it."""
    verdict = {"id": name, "revision": 1, "stage": "agreement", "label": label, "status": status, "weight": 1.0}
    return verdict | {"scores": {"judge_confidence": 0.75}} | more


def make_run(
    folder: Path,
    rows: Sequence[Mapping[str, Any]],
    verdicts: Sequence[Mapping[str, Any]] | None = None,
    kind: str = "label",
    labels: Sequence[Mapping[str, Any]] = LABELS,
) -> Store:
    """A run directory with one round of these rows, all kept if no verdicts are given."""
    folder.mkdir(parents=True, exist_ok=True)
    store = Store(folder)
    run = {"run_id": "run", "schema": 5, "name": "desk", "description": "Messages to a shop.", "kind": kind}
    store.write_json("run.json", run | {"labels": list(labels), "config": {"labels": list(labels)}})
    store.write_json("seeds.json", SEEDS)
    store.write_json("rounds/000/round.json", {"round": 0})
    store.commit(0, "generated", "e0", rows_table(rows), "run")
    given = verdicts if verdicts is not None else [machine(each["id"], each["label"]) for each in rows]
    store.commit(0, "verdicts", "w000", verdicts_table(given), "run")
    return store


def lot_of(rows: Sequence[Mapping[str, Any]], second: Sequence[str] = (), **more: Any) -> FakeLot:
    """All of the rows as a sample, in their order; two people look at those in `second`."""
    ids = [each["id"] for each in rows]
    return FakeLot([Sampled(id, place, "", 1.0, id in second, True) for place, id in enumerate(ids)], **more)


def messages(count: int) -> list[dict[str, Any]]:
    """Rows r00, r01, … ."""
    return [row(f"r{number:02}", f"message {number}: where is my parcel?") for number in range(count)]


@contextmanager
def served_here(store: Store, second: Sequence[str] = ()) -> Iterator[str]:
    """The address of the page, served by a thread of this process."""
    rows = store.generated(0, ["id"]).to_pylist()
    with listening("127.0.0.1", 0) as opened:
        server = make_server(rows_site(*open_desk(store, lot_of(rows, second), 10)).gated())
        thread = threading.Thread(target=server.run, args=([opened],))
        thread.start()
        try:
            yield addresses("127.0.0.1", opened.getsockname()[1], None)[0].split()[1]
        finally:
            server.should_exit = True
            thread.join()


@contextmanager
def served(folder: Path, *options: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The page's address, and its process (`tests/cluster/review/serve.py`)."""
    command = [sys.executable, "-m", "tests.cluster.review.serve", str(folder), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline().split()
        assert line, "the server did not start"
        try:
            yield line[1], process
        finally:
            process.kill()
