"""The few rows of a scored pool among which picks are made, and what the rest comes to in numbers.

One part at a time is in memory, and of all others eight bytes a row.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cluster.feed.scoring import OPEN, REPEATED, SCORED
from denoise.picking import DISAGREES, NOVEL, RANDOM, UNCERTAIN

# how many times the rows that are wanted of each reason: some will be twins, or of a source that has enough
TIMES = {RANDOM: 1, UNCERTAIN: 4, DISAGREES: 4, NOVEL: 10}
ENOUGH = 1000  # sources: whether there are more makes no difference
LISTED = pa.schema([("part", pa.int32()), ("row", pa.int64()), *SCORED])
_ORDERS = {RANDOM: "key", UNCERTAIN: "margin", DISAGREES: "disagreement", NOVEL: "distance"}
_FALLING = frozenset({DISAGREES, NOVEL})


@dataclass
class Shortlist:
    """The best rows for each reason so far (LISTED), and counts: of states, of labels, of rows out of scope."""

    take: int
    rows: pa.Table = field(default_factory=LISTED.empty_table)
    states: Counter[str] = field(default_factory=Counter)
    labels: Counter[str] = field(default_factory=Counter)
    outside: int = 0
    sources: set[str] = field(default_factory=set)
    _hashes: list[np.ndarray] = field(default_factory=list)

    def add(self, part: int, scored: pa.Table) -> None:
        """One part (SCORED), in the order of the pool."""
        self.states.update(scored["state"].to_pylist())
        places = pa.array(np.arange(len(scored)), pa.int64())
        table = scored.add_column(0, "row", places).add_column(0, "part", pa.array([part] * len(scored), pa.int32()))
        new = table.filter(pc.equal(table["state"], OPEN)).cast(LISTED)
        self.labels.update(new["label"].to_pylist())
        if len(self.sources) < ENOUGH:
            self.sources.update(new["source"].unique().to_pylist())
        self.outside += int(pc.sum(pc.greater(new["scope"], 0)).as_py() or 0)
        self._hashes.append(new["hash"].to_numpy())
        self.rows = self._best(pa.concat_tables([self.rows, new]))

    @property
    def eligible(self) -> int:
        """Different texts that a draw could bring."""
        return len(self.distinct)

    @property
    def distinct(self) -> np.ndarray:
        """Their hashes."""
        return np.unique(np.concatenate([np.zeros(0, np.uint64), *self._hashes]))

    def counts(self) -> Mapping[str, int]:
        """Rows of the pool by state; those that repeat a row of another part are repeated ones, too."""
        again = self.states[OPEN] - self.eligible
        return dict(self.states) | {OPEN: self.eligible, REPEATED: self.states[REPEATED] + again}

    def _best(self, rows: pa.Table) -> pa.Table:
        """The first row of each text that is among the best for any reason."""
        _, first = np.unique(rows["hash"].to_numpy(), return_index=True)
        rows = rows.take(pa.array(np.sort(first)))
        inside = rows["scope"].to_numpy() <= 0
        chosen = np.zeros(len(rows), bool)
        for reason, column in _ORDERS.items():
            values = rows[column].to_numpy()
            values = -values if reason in _FALLING else values
            open_ = np.arange(len(rows)) if reason == RANDOM else np.flatnonzero(inside)
            order = np.lexsort((rows["key"].to_numpy()[open_], values[open_]))
            chosen[open_[order[: TIMES[reason] * self.take]]] = True
        return rows.filter(pa.array(chosen))


def shortlist(parts: Iterable[pa.Table], take: int) -> Shortlist:
    """The shortlist of a pool's scored parts, in order."""
    found = Shortlist(take)
    for number, part in enumerate(parts):
        found.add(number, part)
    return found
