"""Which rows of a pool are worth a label: a few for each of several reasons, none twice, none from one source alone.

What a student is unsure of (least margin), what it and a plainer opinion disagree on, and what lies far from all that
is known (greedy k-centre, Sener and Savarese 2018, "Active learning for convolutional neural networks: a core-set
approach") teach most, and tell nothing of the pool as a whole. So a share is drawn at random: each row of the pool has
the same known probability to be in it, and what is found there holds for the pool.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

RANDOM, UNCERTAIN, DISAGREES, NOVEL = "random", "uncertain", "disagrees", "novel"
REASONS = (RANDOM, UNCERTAIN, DISAGREES, NOVEL)


@dataclass(frozen=True)
class Candidates:
    """n rows that may be picked, float64 [n] each but for the lists.

    `keys` are random numbers (the least are drawn), `margins` the student's, `disagreements` 0..1, `distances` those to
    the nearest known row; `inside` says which are in scope: only the draw takes others. `vectors` [n, d] are unit
    vectors; `twins` name for a row the rows that are nearly the same text.
    """

    keys: np.ndarray
    margins: np.ndarray
    disagreements: np.ndarray
    distances: np.ndarray
    inside: np.ndarray
    sources: Sequence[str]
    vectors: np.ndarray
    twins: Mapping[int, Sequence[int]] = field(default_factory=dict)


def shares_of(take: int, mix: Mapping[str, float]) -> dict[str, int]:
    """How many rows each of REASONS gets of `take`; what rounding leaves goes to the last that has a share."""
    counts = {name: int(take * mix.get(name, 0.0) + 1e-9) for name in REASONS}
    last = [name for name in REASONS if mix.get(name, 0.0) > 0][-1]
    return counts | {last: counts[last] + take - sum(counts.values())}


def pick(
    rows: Candidates, take: int, mix: Mapping[str, float], most: int | None = None, drawn: int | None = None
) -> dict[int, str]:
    """Place -> why, in the order of picking; fewer than `take` where rows run out. `most` rows of a source.

    The draw comes first and is not held to `most`, so that its probabilities are what they seem; it counts for it. Of
    it `drawn` rows are left, the first by their keys; None: all.
    """
    counts, picked = shares_of(take, mix), _Picked(rows, most)
    for place in np.argsort(rows.keys, kind="stable")[: counts[RANDOM] if drawn is None else drawn].tolist():
        picked.add(place, RANDOM)
    inside = np.flatnonzero(rows.inside)
    for reason, scores in ((UNCERTAIN, rows.margins), (DISAGREES, -rows.disagreements)):
        ordered = inside[np.lexsort((rows.keys[inside], scores[inside]))].tolist()
        if reason == DISAGREES:
            ordered = [place for place in ordered if rows.disagreements[place] > 0]
        picked.fill(ordered, reason, counts[reason])
    wanted = take - len(picked.why)  # what the others left over too
    if counts[NOVEL]:
        _spread(picked, inside, wanted)
    elif wanted:
        picked.fill(inside[np.argsort(rows.margins[inside], kind="stable")].tolist(), UNCERTAIN, wanted)
    return picked.why


class _Picked:
    """What is picked so far, and whether one more may be."""

    def __init__(self, rows: Candidates, most: int | None) -> None:
        self.rows, self.most, self.why = rows, most, dict[int, str]()
        self._sources: Counter[str] = Counter()

    def may(self, place: int) -> bool:
        twins = self.rows.twins.get(place, ())
        is_new = place not in self.why and not any(twin in self.why for twin in twins)
        return is_new and (self.most is None or self._sources[self.rows.sources[place]] < self.most)

    def add(self, place: int, reason: str) -> None:
        self.why[place] = reason
        self._sources[self.rows.sources[place]] += 1

    def fill(self, ordered: Sequence[int], reason: str, count: int) -> None:
        """The first `count` of them that may be picked."""
        for place in ordered:
            if count and self.may(place):
                self.add(place, reason)
                count -= 1


def _spread(picked: _Picked, inside: np.ndarray, count: int) -> None:
    """Greedy k-centre: always the row that is furthest from what is known and from what was picked for this."""
    distances = picked.rows.distances.copy()
    is_open = np.zeros(len(distances), bool)
    is_open[inside] = True
    while count and is_open.any():
        place = int(np.argmax(np.where(is_open, distances, -np.inf)))
        is_open[place] = False
        if picked.may(place):
            picked.add(place, NOVEL)
            count -= 1
            distances = np.minimum(distances, 1 - picked.rows.vectors @ picked.rows.vectors[place])
