"""A run with a dataset, and people who judge it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from cluster.audit.lots import Lot
from cluster.dataset import materialise
from cluster.store import Store
from generation.records import rows_table, verdicts_table
from tests.cluster.cases import LABELS, RUN_ID, add_rows, add_verdicts, begin_round, finish_round, verdict

BEGAN = datetime(2026, 1, 2, tzinfo=UTC)


def make_run(store: Store, rows: int = 600, round_: int = 0) -> None:
    """A finished round with as many rows of "neg" as of "pos", every third of them doubtful, and its dataset."""
    if not store.exists:
        run = {"run_id": RUN_ID, "name": "mood", "labels": LABELS, "kind": "label", "config": {}}
        store.write_json("run.json", run)
    names = [f"{('pos', 'neg')[index % 2]}-{round_}.{index}" for index in range(rows)]
    begin_round(store, {"pos": rows // 2, "neg": rows // 2}, round_)
    add_rows(store, names, round_=round_)
    scores = ({"judge_confidence": 0.55 if index % 3 == 0 else 0.95} for index in range(rows))
    add_verdicts(store, [verdict(name, scores=each) for name, each in zip(names, scores, strict=True)], round_=round_)
    finish_round(store, round_)
    materialise(store, round_, RUN_ID)


def judge(
    store: Store, lot: Lot, bad: Iterable[str] = (), most: int | None = None, who: str = "ann", round_: int = 0
) -> None:
    """A person's verdicts on the first rows of a lot that decide, in order; those with ids in `bad` are discarded.

    The lot's rows are all of one round.
    """
    held, wrong = _held(store, round_), set(bad)
    rows = [row for row in lot.sample if row.decides][:most]
    told = [_told(held[row.id], "discarded" if row.id in wrong else "confirmed", who, row.order) for row in rows]
    store.commit(round_, "verdicts", f"p-{who}-{lot.number}", verdicts_table(told), RUN_ID)


def say(store: Store, key: str, reason: str, who: str = "ann", at: int = 0, **changes: Any) -> None:
    """One verdict of a person on a row of the first round, as a part of its own."""
    told = _told(_held(store)[key], reason, who, at) | changes
    store.commit(0, "verdicts", f"p-{key}-{told['revision']:03d}", verdicts_table([told]), RUN_ID)


def _held(store: Store, round_: int = 0) -> dict[str, dict[str, Any]]:
    return {each["id"]: each for each in store.verdicts(round_).to_pylist()}


def _told(before: dict[str, Any], reason: str, who: str, at: int) -> dict[str, Any]:
    gone = reason in ("discarded", "edited")
    found = {"seconds": 4.0 + at % 3, "defect": float(reason in ("discarded", "corrected"))}
    return before | {
        "revision": before["revision"] + 1,
        "stage": "audit",
        "status": "rejected" if gone else "relabelled" if reason == "corrected" else before["status"],
        "reason": reason,
        "scores": dict(before["scores"] or ()) | found,
        "weight": 0.0 if gone else 1.0,
        "auditor": who,
        "at": BEGAN + timedelta(seconds=10 * at),
    }


def edit(store: Store, old: str, text: str, label: str) -> str:
    """A person writes a row of the first round anew; returns the id of what they made of it."""
    new = f"human-{old}"
    row = {"id": new, "round": 0, "source": "human", "method": "edit", "text": text, "label": label}
    store.commit(0, "people", new, rows_table([row | {"seed_ids": [old]}]), RUN_ID)
    accepted = {"id": new, "revision": 1, "stage": "audit", "label": label, "status": "accepted", "weight": 1.0}
    store.commit(0, "verdicts", f"p-{new}", verdicts_table([accepted | {"auditor": "ann", "at": BEGAN}]), RUN_ID)
    say(store, old, "edited", survivor_id=new)
    return new
