"""Rows that people have checked: later rounds show them to the LM as they show seeds.

Which ones is committed when a round first plans, so that all of its waves, and a driver that takes it up again, have
the same exemplars although people go on judging.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from cluster.audit.frame import STAGE, UNDONE
from cluster.store import Store
from generation.records import KEPT
from generation.task import Example


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
        if told:
            store.write_json(name, told)
    return tuple(now[id] for id in told if id in now)


def _checked(store: Store, round_: int) -> dict[str, Example]:
    found: dict[str, Example] = {}
    for number in (each for each in store.rounds() if each < round_):
        verdicts = store.verdicts(number)
        stands = pc.invert(pc.fill_null(pc.equal(verdicts["reason"], UNDONE), False))
        by_people = pc.and_(pc.equal(verdicts["stage"], STAGE), pc.is_in(verdicts["status"], pa.array(KEPT)))
        mine = verdicts.filter(pc.and_(pc.fill_null(by_people, False), stands)).select(["id", "label"])
        if not mine.num_rows:
            continue
        texts = store.rows(number, ["id", "text"]).join(mine, "id", join_type="inner")
        for row in texts.to_pylist():
            found[row["id"]] = Example(row["text"], row["label"], known_as=row["id"])
    return found
