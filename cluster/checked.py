"""Rows that people have checked: later rounds show them to the LM as they show seeds, and they move the calibration.

Which ones is committed when a round first plans, so that all of its waves, and a driver that takes it up again, have
the same exemplars although people go on judging.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from cluster.audit.frame import STAGE, UNDONE
from cluster.store import Store
from generation.records import KEPT, ROW_SCHEMA
from generation.task import Example

POOL = "pool"  # the source of rows that a pool brought
FEED = "feed"  # the method of those that `labelmill feed` did
AUDITED = ("confirmed", "corrected")  # reasons of verdicts that tell whether the machine was right


def checked_examples(store: Store, round_: int) -> tuple[Example, ...]:
    """Rows of earlier rounds that people have confirmed, corrected or written, under the labels that they gave; by id.

    An example's id is its row's. Those of which no verdict holds any more are left out.
    """
    if round_ == 0:
        return ()
    name, now = f"rounds/{round_:03d}/checked.json", _checked(store, round_)
    told = store.read_json(name)
    if told is None:
        told = sorted(now)
        store.write_json(name, told)
    return tuple(now[id] for id in told if id in now)


def audited_rows(store: Store) -> pa.Table:
    """Rows of the machine's that people have confirmed or corrected: `id`, `text`, `intended` label, `label`; by id."""
    schema = pa.schema([(name, pa.string()) for name in ("id", "text", "intended", "label")])
    found = [_rows_of(store, number, AUDITED) for number in store.rounds()]
    rows = pa.concat_tables([schema.empty_table(), *(each.select(schema.names).cast(schema) for each in found)])
    return rows.filter(pc.is_valid(rows["intended"])).sort_by("id")


def real_rows(store: Store) -> pa.ChunkedArray:
    """Ids of rows that are no LM's alone: people have confirmed, corrected or written them, or a pool brought them."""
    found = [_rows_of(store, number)["id"] for number in store.rounds()]
    for number in store.rounds():
        rows = store.rows(number, ["id", "source"])
        found.append(rows.filter(pc.equal(rows["source"], POOL))["id"])
    return pa.chunked_array([chunk for ids in found for chunk in ids.chunks], pa.string())


def may_be_shown(store: Store, rows: pa.Table) -> pa.Table:
    """Of rows (`id` and more) those that prompts may show and adapters learn from: pool rows only once checked.

    Who wrote a text of a pool is not known, and it may be written for the LM.
    """
    pool = []
    for number in store.rounds():
        every = store.rows(number, ["id", "source"])
        pool += every.filter(pc.equal(every["source"], POOL))["id"].to_pylist()
    if not pool:
        return rows
    checked = {id for number in store.rounds() for id in _rows_of(store, number)["id"].to_pylist()}
    hidden = pa.array(sorted(set(pool) - checked), pa.string())
    return rows.filter(pc.invert(pc.is_in(rows["id"], value_set=hidden)))


def has_kept_pool_rows(store: Store) -> bool:
    """Whether a row of a pool was ever kept."""
    for number in store.rounds():
        rows, verdicts = store.rows(number, ["id", "source"]), store.revisions(number)
        kept = verdicts.filter(pc.is_in(verdicts["status"], pa.array(KEPT)))["id"].combine_chunks()
        if pc.any(pc.is_in(rows.filter(pc.equal(rows["source"], POOL))["id"], value_set=kept)).as_py():
            return True
    return False


def _checked(store: Store, round_: int) -> dict[str, Example]:
    found = [_rows_of(store, number).to_pylist() for number in store.rounds() if number < round_]
    return {row["id"]: Example(row["text"], row["label"], known_as=row["id"]) for rows in found for row in rows}


def _rows_of(store: Store, round_: int, reasons: Sequence[str] | None = None) -> pa.Table:
    """Rows of a round that a person's verdict keeps: `id`, `text`, `intended`, `label` (the person's)."""
    verdicts = store.verdicts(round_)
    mine = pc.and_(pc.equal(verdicts["stage"], STAGE), pc.is_in(verdicts["status"], pa.array(KEPT)))
    said = pc.invert(pc.fill_null(pc.equal(verdicts["reason"], UNDONE), False))
    if reasons is not None:
        said = pc.and_(said, pc.is_in(verdicts["reason"], pa.array(reasons)))
    kept = verdicts.filter(pc.and_(pc.fill_null(mine, False), said)).select(["id", "label"])
    rows = store.rows(round_, ["id", "text", "intended_label"]) if kept.num_rows else ROW_SCHEMA.empty_table()
    rows = rows.select(["id", "text", "intended_label"]).rename_columns(["id", "text", "intended"])
    return rows.join(kept, "id", join_type="inner")


def may_be_read(store: Store, rows: pa.Table) -> pa.Table:
    """Of rows (`id`, `method` and more) those that an LM may read to answer freely: rows of feeds only once checked."""
    fed = pc.fill_null(pc.equal(rows["method"], FEED), False)
    checked = may_be_shown(store, rows.filter(fed))["id"].combine_chunks()
    return rows.filter(pc.or_(pc.invert(fed), pc.is_in(rows["id"], value_set=checked)))
