"""The rows and verdicts that a feed commits to rounds of the run: each part once, whatever is killed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from cluster.checked import FEED, POOL
from cluster.feed.joining import Decided
from cluster.feed.record import FOR_PEOPLE, STAGE, WAITS, folder_of, part_of
from cluster.store import Store
from generation.kinds.base import Kind
from generation.parts import read_parts
from generation.records import ROW_SCHEMA, VERDICT_SCHEMA, rows_table, verdicts_table

WAITING = pa.schema(
    [
        ("id", pa.string()),
        ("text", pa.string()),
        ("round", pa.int32()),
        ("revision", pa.int32()),
        ("reason", pa.string()),
    ]
)


class Joined:
    """What feed `number` has committed, and commits."""

    def __init__(self, store: Store, number: int, run_id: str, kind: Kind) -> None:
        self._store, self._run_id, self._kind = store, run_id, kind
        self._folder, self._part = folder_of(number), part_of(number)

    def round(self) -> int | None:
        """The round that the picks are in; None: they are not yet."""
        return next((number for number in self._store.rounds() if self._parts(number, "verdicts")), None)

    def commit_new(self, picks: pa.Table, decided: Sequence[Decided], now: int) -> None:
        """The verdicts come last: with them the picks have joined. Rows that are there are those of a killed call."""
        told = zip(picks.to_pylist(), decided, strict=True)
        rows = rows_table(self._row(pick, each.label, now) for pick, each in told)
        if not self._parts(now, "generated"):
            self._store.commit(now, "generated", self._part, rows, self._run_id)
        self._store.write_json(f"rounds/{now:03d}/stop.json", {"reason": "fed"})
        verdicts = verdicts_table(each.verdict() for each in decided)
        self._store.commit(now, "verdicts", self._part, verdicts, self._run_id)

    def commit_old(self, waiting: pa.Table, decided: Sequence[Decided]) -> None:
        """Rows stay where they are, and those that join now, or go to people, get a later verdict."""
        moved = [
            (row["round"], each.verdict(row["revision"] + 1))
            for row, each in zip(waiting.to_pylist(), decided, strict=True)
            if each.status == "accepted" or (each.reason == FOR_PEOPLE and row["reason"] == WAITS)
        ]
        for round_ in sorted({round_ for round_, _ in moved}):
            if self._parts(round_, "verdicts", "-again"):
                continue  # of a killed call, which had decided on all of them
            verdicts = verdicts_table(verdict for number, verdict in moved if number == round_)
            self._store.commit(round_, "verdicts", f"{self._part}-again", verdicts, self._run_id)

    def waiting(self) -> pa.Table:
        """Rows of earlier feeds that nobody has decided on; what this one has moved to people counts as before."""
        mine = f"{self._folder}/"
        found = []
        for number in self._store.rounds():
            verdicts = self._store.verdicts(number)
            held = pc.and_(pc.equal(verdicts["stage"], STAGE), pc.equal(verdicts["status"], "held"))
            verdicts = verdicts.filter(pc.fill_null(held, False)).select(["id", "revision", "reason"])
            moved = pc.is_in(verdicts["id"], value_set=self.verdicts(number, "-again")["id"].combine_chunks())
            verdicts = verdicts.set_column(2, "reason", pc.if_else(moved, WAITS, verdicts["reason"]))
            rows = self._store.generated(number, ["id", "text", "round", "engine"])
            rows = rows.filter(pc.invert(pc.fill_null(pc.equal(rows["engine"], mine), False)))
            found.append(rows.join(verdicts, "id", join_type="inner").select(WAITING.names).cast(WAITING))
        return pa.concat_tables([WAITING.empty_table(), *found]).sort_by("id")

    def verdicts(self, round_: int, more: str = "") -> pa.Table:
        """Those in a round, of its picks or (`more` is "-again") of rows that have waited."""
        return read_parts(self._store.filesystem, self._parts(round_, "verdicts", more), VERDICT_SCHEMA)

    def _row(self, pick: dict[str, Any], label: str, round_: int) -> dict[str, Any]:
        """A pick as a row of the run; `engine` tells which feed brought it."""
        row: dict[str, Any] = dict.fromkeys(ROW_SCHEMA.names)
        told = {
            "id": pick["id"],
            "request_id": pick["id"],
            "round": round_,
            "wave": 0,
            "source": POOL,
            "label": label,
            "seed_ids": [],
            "attributes": {"source": pick["source"]} if pick["source"] else {},
            "method": FEED,
            "engine": f"{self._folder}/",
            "sampling": {},
            "prompt_tokens": 0,
            "output_tokens": 0,
        }
        return row | told | self._kind.parse(pick["text"], label)

    def _parts(self, round_: int, kind: str, more: str = "") -> list[str]:
        name = f"part-{self._part}{more}.parquet"
        return [each for each in self._store.parts(round_, kind) if each.endswith(name)]
