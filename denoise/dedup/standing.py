"""Who stands among rows of distinct texts and labels, and in which clusters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from denoise.dedup.components import largest_component
from denoise.dedup.edges import Edges
from denoise.dedup.groups import NOBODY, centres, neighbours, walk
from denoise.dedup.roster import Roster


@dataclass(frozen=True)
class Chosen:
    """Rows by rank, no two of one text and label: `text` numbers, `label` hashes, how many `copies` each stands for."""

    rank: np.ndarray
    text: np.ndarray
    label: np.ndarray
    copies: np.ndarray


@dataclass(frozen=True)
class Standing:
    """By chosen row, whose `rank` ascends: the earliest kept row of its label that it matches, the same of another.

    Both are ranks, or NOBODY; `similarity` float32 is that to the one that decides, `cluster` the rank of its
    cluster's first row. `largest` rows hang together.
    """

    rank: np.ndarray
    survivor: np.ndarray
    conflict: np.ndarray
    similarity: np.ndarray
    cluster: np.ndarray
    largest: int


def chosen_rows(roster: Roster) -> Chosen:
    """The first row of each text and label, by rank."""
    (rows,) = chosen_slices(roster, max(len(roster), 1))
    return rows


def chosen_slices(roster: Roster, size: int) -> Iterator[Chosen]:
    """The same, of `size` ranks at a time."""
    copies = np.bincount(roster.twin, minlength=len(roster))
    for begin in range(0, max(len(roster), 1), size):
        ranks = np.flatnonzero(copies[begin : begin + size]) + begin  # each stands for itself at least
        yield Chosen(ranks, roster.text[ranks], roster.labels[ranks], copies[ranks])


def judge(rows: Chosen, texts: int, edges: Edges, old: int, old_texts: int) -> Standing:
    """Walk rows in the total order and let one fall only if it directly matches one already kept.

    Texts are numbered from 0 to `texts`, `old_texts` and the first `old` rows are an index's.
    """
    starts, touching = neighbours(texts, edges.pairs)
    near = texts, edges.pairs, edges.similar, starts, touching
    survivor, conflict, similarity = walk(rows.text, rows.label, *near, old)
    centre = centres(texts, edges.pairs, starts, touching, old_texts)
    weights = np.bincount(rows.text, rows.copies, texts).astype(np.int64)
    first = np.empty(texts, np.int64)
    first[rows.text[::-1]] = rows.rank[::-1]
    return Standing(
        rows.rank,
        _ranks(rows, survivor),
        _ranks(rows, conflict),
        similarity,
        first[centre[rows.text]],
        int(largest_component(texts, edges.pairs, weights)),
    )


def _ranks(rows: Chosen, places: np.ndarray) -> np.ndarray:
    return np.where(places == NOBODY, NOBODY, rows.rank[places])
