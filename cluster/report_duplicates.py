"""Which rows are copies of which: the largest clusters, and duplicates that were made for another label."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from cluster.report_fates import NONE, Fates

EXACT = "exact duplicate"
CONFLICT = "label conflict"
CLUSTERS, MEMBERS, PAIRS = 10, 3, 10


@dataclass(frozen=True)
class Text:
    """A text of a cluster: `rows` have exactly this one, itself included. `text` is None until it is read."""

    place: int
    label: str
    outcome: str
    rows: int
    text: str | None = None


@dataclass(frozen=True)
class Cluster:
    """`rows` that are copies of one another, with the one that stands for all, which is the first of `texts`.

    Of them `exact` are letter by letter the same as another (but for case and spaces), the rest are alike. `labels` are
    the labels that they were made for, the most frequent first.
    """

    rows: int
    exact: int
    labels: Mapping[str, int]
    texts: tuple[Text, ...]

    def told(self, texts: Mapping[int, str]) -> Cluster:
        """With the texts of rows by place, each text once."""
        told = [replace(each, text=texts.get(each.place)) for each in self.texts]
        first = {each.text if each.text is not None else each.place: each for each in reversed(told)}
        return replace(self, texts=tuple(each for each in told if each in first.values()))


@dataclass(frozen=True)
class Conflict:
    """`rows` made for label `copy` that are copies of rows of label `stands`; one pair as an example, by place."""

    stands: str
    copy: str
    rows: int
    places: tuple[int, int]
    text: str | None = None
    other: str | None = None

    def told(self, texts: Mapping[int, str]) -> Conflict:
        """With the texts of rows by place."""
        text, other = map(texts.get, self.places)
        return replace(self, text=text, other=other)


def clusters_of(fates: Fates) -> tuple[Cluster, ...]:
    """The largest, the largest first. Duplicates of duplicates are of one cluster."""
    fallen = np.flatnonzero(fates.counts & (fates.survivor != NONE))
    root = _roots(fates)
    members = np.bincount(root[fallen], minlength=len(fates))
    largest = np.argsort(-members, kind="stable")[:CLUSTERS]
    exact = fallen[fates.lost_as(EXACT)[fallen]]
    same = 1 + np.bincount(fates.survivor[exact], minlength=len(fates))
    found = []
    for place in largest[members[largest] > 0].tolist():
        mine = fallen[root[fallen] == place]
        others = mine[~np.isin(mine, exact)]  # an exact copy has no text of its own
        shown = [place, *others[np.argsort(-same[others], kind="stable")][:MEMBERS].tolist()]
        labels, rows = np.unique(fates.intended[[place, *mine]], return_counts=True)
        order = np.argsort(-rows, kind="stable")
        found.append(
            Cluster(
                rows=1 + len(mine),
                exact=int(np.isin(mine, exact).sum()),
                labels={fates.labels[labels[number]]: int(rows[number]) for number in order},
                texts=tuple(_text(fates, each, int(same[each])) for each in shown),
            )
        )
    return tuple(found)


def conflicts_of(fates: Fates) -> tuple[int, tuple[Conflict, ...]]:
    """How many duplicates were made for another label than the row that stands for them has; the most frequent pairs.

    A row that is kept has its final label, another the one it was made for.
    """
    fallen = np.flatnonzero(fates.counts & (fates.survivor != NONE))
    standing = np.where(fates.loss == NONE, fates.final, fates.intended)
    pairs = standing[fates.survivor[fallen]] * len(fates.labels) + fates.intended[fallen]
    at_odds = (standing[fates.survivor[fallen]] != fates.intended[fallen]) | fates.lost_as(CONFLICT)[fallen]
    found, rows = np.unique(pairs[at_odds], return_counts=True)
    conflicts = []
    for number in np.argsort(-rows, kind="stable")[:PAIRS]:
        copy = int(fallen[at_odds & (pairs == found[number])][0])
        stands, made_for = divmod(int(found[number]), len(fates.labels))
        names = fates.labels[stands], fates.labels[made_for]
        conflicts.append(Conflict(*names, int(rows[number]), (int(fates.survivor[copy]), copy)))
    return int(at_odds.sum()), tuple(conflicts)


def _roots(fates: Fates) -> np.ndarray:
    """The row at the end of each chain of survivors."""
    root = np.where(fates.survivor == NONE, np.arange(len(fates)), fates.survivor)
    for _ in range(32):  # doubles the length that is followed each time
        further = root[root]
        if np.array_equal(further, root):
            break
        root = further
    return root


def _text(fates: Fates, place: int, rows: int) -> Text:
    intended, _, loss = fates.outcome(place)
    return Text(place, intended, loss or "kept", rows)
