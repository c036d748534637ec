"""A run's parts as the report reads them: a few columns of every row, and all columns of the few that are shown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from cluster.store import Store
from generation.location import path_of
from generation.parts import read_each, read_parts
from generation.records import ROW_SCHEMA, VERDICT_SCHEMA, digest

ROW_COLUMNS = ["id", "intended_label", "label", "prompt_tokens", "output_tokens"]
VERDICT_COLUMNS = ["id", "revision", "label", "status", "reason", "survivor_id"]


@dataclass(frozen=True)
class Parts:
    """`slim` are some columns of all rows, in the order of `names`; a part's rows end before `ends` in it.

    `load` gives some columns of a part, or all.
    """

    slim: pa.Table
    names: tuple[str, ...]
    ends: np.ndarray
    load: Callable[[int, Sequence[str] | None], pa.Table]

    @classmethod
    def of(cls, table: pa.Table) -> Parts:
        """A table that is there already, as one part."""
        ends = np.array([table.num_rows])
        return cls(table, ("",), ends, lambda _, columns: table if columns is None else table.select(list(columns)))

    def take(self, places: np.ndarray, columns: Sequence[str] | None = None) -> pa.Table:
        """The rows at `places`, in that order; only parts that hold some are read."""
        parts = np.searchsorted(self.ends, places, "right")
        starts = np.concatenate([[0], self.ends])
        tables, order = [self.load(0, columns).slice(0, 0)] if len(self.ends) else [], []
        for part in np.unique(parts):
            mine = np.flatnonzero(parts == part)
            tables.append(self.load(int(part), columns).take(pa.array(places[mine] - starts[part])))
            order.append(mine)
        if not tables:
            return self.slim.slice(0, 0)
        return pa.concat_tables(tables).take(pa.array(np.argsort(np.concatenate([*order, []])).astype(np.int64)))

    def chosen(self, most: int) -> np.ndarray:
        """Places of all rows of some parts, chosen by the hash of their names: as many parts as have `most` rows.

        The last of them may have more. All rows where there are no more than that.
        """
        if self.slim.num_rows <= most:
            return np.arange(self.slim.num_rows)
        sizes = np.diff(self.ends, prepend=0)
        order = sorted(range(len(sizes)), key=lambda part: digest(self.names[part]))
        enough = int(np.searchsorted(np.cumsum(sizes[order]), most)) + 1
        return np.concatenate([np.arange(self.ends[p] - sizes[p], self.ends[p]) for p in sorted(order[:enough])])

    def near(self, places: np.ndarray, most: int) -> np.ndarray:
        """Which of `places`, in their order, are had by reading parts of `most` rows in all, bool."""
        parts, sizes = np.searchsorted(self.ends, places, "right"), np.diff(self.ends, prepend=0)
        _, first = np.unique(parts, return_index=True)
        order = parts[np.sort(first)]
        return np.isin(parts, order[np.cumsum(sizes[order]) <= most])


def rows_of(store: Store) -> Parts:
    """All rows, those that people made too."""
    kinds = [(number, kind) for number in store.rounds() for kind in ("generated", "people")]
    return _parts(store, [path for each in kinds for path in store.parts(*each)], ROW_SCHEMA, ROW_COLUMNS)


def verdicts_of(store: Store) -> Parts:
    """All verdicts, those that no longer hold too."""
    paths = [path for number in store.rounds() for path in store.parts(number, "verdicts")]
    return _parts(store, paths, VERDICT_SCHEMA, VERDICT_COLUMNS)


def _parts(store: Store, paths: list[str], schema: pa.Schema, columns: list[str]) -> Parts:
    tables = list(read_each(store.filesystem, paths, schema, columns))
    slim = pa.schema([schema.field(name) for name in columns]).empty_table()
    root = path_of(store.root)
    return Parts(
        pa.concat_tables([slim, *tables]),
        tuple(path.removeprefix(root) for path in paths),
        np.cumsum([table.num_rows for table in tables]).astype(np.int64),
        lambda part, wanted: read_parts(store.filesystem, [paths[part]], schema, wanted),
    )
