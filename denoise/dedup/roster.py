"""All rows in the total order, as arrays: what one driver holds of them (some hundred bytes a row, and no text)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from generation.errors import UserError

_LIGHT = ["id", "key", "key_more", "text_hash", "text_more", "label_hash", "prefer", "length"]
_STEP = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class Roster:
    """n rows by rank, the `old` ones (of an index) first.

    `ids` an Arrow array, `keys` hashes of the ids, `row` each row's place in the tables laid end to end, `hashes`
    uint64 [n, 2] of the texts and `labels` of the labels. `text` is the number of each row's text (numbered by their
    first ranks), `twin` the first rank with the same text and label.
    """

    ids: pa.Array
    keys: np.ndarray
    row: np.ndarray
    hashes: np.ndarray
    labels: np.ndarray
    text: np.ndarray
    twin: np.ndarray
    old: int

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def texts(self) -> int:
        """Distinct texts."""
        return int(self.text.max()) + 1 if len(self) else 0

    @property
    def old_texts(self) -> int:
        """Distinct texts of the old rows: the first ones."""
        return int(self.text[: self.old].max()) + 1 if self.old else 0

    @property
    def text_rank(self) -> np.ndarray:
        """The first rank of each text, int64 [texts]."""
        first = np.empty(self.texts, np.int64)
        first[self.text[::-1]] = np.arange(len(self))[::-1]
        return first

    @property
    def settled(self) -> np.ndarray:
        """Which of the old rows' texts (the first ones) no new row brings up again with a label of its own; bool."""
        old_texts = self.old_texts
        raised = self.text[self.old :][self.twin[self.old :] >= self.old]
        settled = np.ones(old_texts, bool)
        settled[raised[raised < old_texts]] = False
        return settled


def call_roll(old: Sequence[pa.Table], new: Sequence[pa.Table], made_ids: bool, name: str) -> Roster:
    """Rank the rows of tables of sketches: old ones as they lie, then new by `prefer`, longer text, hash of the id.

    Rows without ids get them made of contents and number of occurrence. Raises UserError naming the id column `name`
    where ids repeat.
    """
    from denoise.dedup.groups import first_equal

    count_old = sum(table.num_rows for table in old)
    rows = pa.concat_tables([*(each.select(_LIGHT) for each in (*old, *new))])
    del old, new  # at ten million rows each copy counts
    columns = {}
    for each in _LIGHT[1:]:
        columns[each] = np.asarray(rows[each])
        rows = rows.drop_columns([each])
    ids, keys = rows["id"].combine_chunks(), columns.pop("key").copy()
    del rows
    pa.default_memory_pool().release_unused()
    more = columns.pop("key_more")
    if made_ids:
        made, keys[count_old:] = _make_ids(keys, more, count_old)
        ids = pa.concat_arrays([ids[:count_old], made.cast(ids.type)])
    _refuse_repeated(keys, ids, count_old, name)
    better, longer = (-columns.pop(each)[count_old:] for each in ("prefer", "length"))
    by = (keys[count_old:], longer, better) if len(better) and np.ptp(better) else (keys[count_old:], longer)
    ranks = np.lexsort(by)
    order = np.concatenate([np.arange(count_old), ranks + count_old])
    one, two, labels = (columns.pop(each)[order] for each in ("text_hash", "text_more", "label_hash"))
    first = first_equal(one, two, np.zeros(len(order), np.uint64))
    number = np.cumsum(first == np.arange(len(order))) - 1
    return Roster(
        ids.take(pa.array(order)),
        keys[order],
        order,
        np.column_stack([one, two]),
        labels,
        number[first],
        first_equal(one, two, labels),
        count_old,
    )


def _make_ids(keys: np.ndarray, more: np.ndarray, old: int) -> tuple[pa.Array, np.ndarray]:
    """Ids of the new rows, `HASH` or `HASH-n` for the n-th repetition of equal rows, and their keys."""
    from denoise.dedup.kernel import mix_all

    one, two = keys[old:], more[old:]
    order = np.lexsort((two, one))
    same = np.append(False, (one[order][1:] == one[order][:-1]) & (two[order][1:] == two[order][:-1]))[: len(order)]
    begins = np.maximum.accumulate(np.where(same, 0, np.arange(len(order))))
    occurrence = np.empty(len(order), np.int64)
    occurrence[order] = np.arange(len(order)) - begins
    taken = np.sort(keys[:old])
    while True:  # rows that an index holds already count on
        made = mix_all(one ^ mix_all(two + _STEP * occurrence.astype(np.uint64)))
        met = np.isin(made, taken, assume_unique=False) if old else np.zeros(len(made), bool)
        if not met.any():
            break
        contents = np.unique(one[met])
        occurrence[np.isin(one, contents)] += 1
    each = zip(one.tolist(), two.tolist(), occurrence.tolist(), strict=True)
    names = [f"{here:016x}{more:016x}" + (f"-{number}" if number else "") for here, more, number in each]
    return pa.array(names, pa.string()), made


def _refuse_repeated(keys: np.ndarray, ids: pa.Array, old: int, name: str) -> None:
    ordered = np.sort(keys)
    repeated = ordered[1:][ordered[1:] == ordered[:-1]]
    if not len(repeated):
        return
    suspects = np.flatnonzero(np.isin(keys, repeated))
    values = ids.take(pa.array(suspects))
    counts = pc.value_counts(values).to_pylist()
    twice = sorted(each["values"] for each in counts if each["counts"] > 1 or each["values"] is None)
    if twice:
        known = old and pc.is_in(pa.scalar(twice[0], ids.type), ids[:old]).as_py()
        where = f"such as {twice[0]!r} in IN and in the index" if known else f"such as {twice[0]!r}"
        raise UserError(f"--id: ids must be distinct; {len(twice)} in column {name!r} repeat, {where}")
