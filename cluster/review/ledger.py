"""What people said, on disk: one part per answer, written through before it counts."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pyarrow as pa
import pyarrow.compute as pc

from cluster.audit.lots import Sampled
from cluster.review.cases import Case, History, Verdict
from cluster.review.verdicts import EDIT, Change
from cluster.store import Store
from generation.errors import UserError
from generation.records import rows_table, verdicts_table

PEOPLE = "people"  # rounds/NNN/people: rows that people wrote


class Ledger:
    """The run directory as the page reads it, once, and writes to it, often."""

    def __init__(self, store: Store, run_id: str | None = None) -> None:
        self.store = store
        self.run_id = str(store.run()["run_id"]) if run_id is None else run_id

    def cases(self, sample: Sequence[Sampled]) -> dict[str, Case]:
        """The sampled rows with their histories, in the sample's order. Raises UserError where a row is missing."""
        ids = pa.array([each.id for each in sample], pa.string())
        known = set(ids.to_pylist())
        rows: dict[str, Mapping[str, Any]] = {}
        made: dict[str, dict[str, str]] = defaultdict(dict)
        for number in self.store.rounds():
            rows |= {row["id"]: row for row in _those(self.store.generated(number), "id", ids)}
            people = self.store.people(number)
            rows |= {row["id"]: row for row in _those(people, "id", ids)}
            for row in people.select(["id", "method", "text", "seed_ids"]).to_pylist():
                if row["method"] == EDIT and known.issuperset(row["seed_ids"] or ["no row"]):
                    made[row["seed_ids"][0]][row["id"]] = row["text"]
        histories = self._histories([*ids.to_pylist(), *(id for each in made.values() for id in each)])
        if missing := [id for id in ids.to_pylist() if id not in rows]:
            raise UserError(f"{self.store.root}: {len(missing)} sampled rows are not in the run, such as {missing[0]}")
        return {
            each.id: Case(
                rows[each.id],
                histories.get(each.id, History()),
                {id: histories[id] for id in made[each.id] if id in histories},
                each,
                made[each.id],
            )
            for each in sample
        }

    def commit(self, round_: int, change: Change, at: datetime) -> None:
        """Write what one answer changes: the rows, then all verdicts in one part. It is on the disk when this returns.

        Killed in between, it leaves rows without a verdict, which belong to no dataset.
        """
        name = f"people-{at:%Y%m%dT%H%M%S%f}-{uuid4().hex[:8]}"
        if change.rows:
            self._write(round_, PEOPLE, name, rows_table(change.rows))
        self._write(round_, "verdicts", name, verdicts_table(change.verdicts))

    def _write(self, round_: int, kind: str, name: str, table: pa.Table) -> None:
        path = self.store.commit(round_, kind, name, table, self.run_id)
        if isinstance(self.store.root, Path):
            for each in (path, os.path.dirname(path)):
                _write_through(each)

    def _histories(self, ids: Sequence[str]) -> dict[str, History]:
        wanted = pa.array(ids, pa.string())
        found: dict[str, list[Verdict]] = defaultdict(list)
        for number in self.store.rounds():
            for verdict in _those(self.store.revisions(number), "id", wanted):
                found[verdict["id"]].append({**verdict, "scores": dict(verdict["scores"] or ())})
        return {id: History.of(verdicts) for id, verdicts in found.items()}


def _those(table: pa.Table, column: str, values: pa.Array) -> list[dict[str, Any]]:
    return table.filter(pc.is_in(table[column], value_set=values)).to_pylist()


def _write_through(path: str) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
