"""Deciding on all rows: in this process where its memory is enough, or in parts, whatever the place; same result."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from denoise.dedup.compare import Found
from denoise.dedup.edges import Edges, join_edges
from denoise.dedup.passes import settle, stars_by_partition
from denoise.dedup.places import Place
from denoise.dedup.roster import Roster
from denoise.dedup.shares import Share, joined, judge_share, links_of, route, split_edges, split_rows
from denoise.dedup.standing import Standing, chosen_slices
from denoise.dedup.verdict import Decisions, conclude, decide

PART_BYTES = 256 << 20  # of the array form's memory, for each part that is done apart
LEAST_PARTS, MOST_PARTS = 4, 256
_FOUND, _TEXT = 56, 60  # bytes of the array form for each pair that a band found, and for each text
_SLICE = 1 << 22  # rows


@dataclass(frozen=True)
class Decided:
    """The decisions, the distinct edges they rest on, and the passes of stars; None: they were made in this process."""

    decisions: Decisions
    edges: int
    passes: int | None


def decide_rows(place: Place, roster: Roster, bands: Sequence[Any], found: int, memory: int) -> Decided:
    """Decide by what the bands found (handles to `Found`, `found` pairs in all): here, if `memory` bytes are enough."""
    needed = array_bytes(found, roster.texts)
    if needed > memory:
        parts = min(max(-(-needed // PART_BYTES), LEAST_PARTS), MOST_PARTS)
        return decide_apart(place, roster, bands, parts)
    edges = join_edges([(each.pairs, each.similar) for each in place.get(bands)], roster.texts)
    return Decided(decide(roster, edges), len(edges.pairs), None)


def array_bytes(found: int, texts: int) -> int:
    """What deciding takes in one process beyond the roster and the decisions, about."""
    return _FOUND * found + _TEXT * texts


def decide_apart(place: Place, roster: Roster, bands: Sequence[Any], parts: int) -> Decided:
    """Decide in `parts` parts: no more than one part's edges, or one component's, are in one process at once."""
    every = range(parts)
    pieces = [place.call(_split, parts, parts, band) for band in bands]
    made = [place.call(_join, parts + 2, parts, roster.texts, *(each[part] for each in pieces)) for part in every]
    del pieces
    edges, counts = [each[0] for each in made], [each[1] for each in made]
    stars, passes = settle(place, [each[2:] for each in made], parts)
    del made
    rows = [[place.put(piece) for piece in split_rows(some, parts)] for some in chosen_slices(roster, _SLICE)]
    shares = [
        place.call(_route, parts, part, parts, edges[part], stars[part], *(each[part] for each in rows))
        for part in every
    ]
    del edges, stars, rows
    judged = [
        place.call(_judge, 1, roster.old, roster.old_texts, *(each[part] for each in shares))[0] for part in every
    ]
    del shares
    standing = join_standings(roster, (place.get([each])[0] for each in judged))
    return Decided(conclude(roster, standing), sum(place.get(counts)), passes)


def join_standings(roster: Roster, shares: Iterable[Standing]) -> Standing:
    """What the shares say on their rows, for all rows."""
    rank = np.flatnonzero(roster.twin == np.arange(len(roster)))
    survivor, conflict, cluster = (np.empty(len(rank), np.int64) for _ in range(3))
    similarity, largest = np.empty(len(rank), np.float32), 0
    for share in shares:
        place = np.searchsorted(rank, share.rank)
        survivor[place], conflict[place], cluster[place] = share.survivor, share.conflict, share.cluster
        similarity[place], largest = share.similarity, max(largest, share.largest)
    return Standing(rank, survivor, conflict, similarity, cluster, largest)


def _split(parts: int, band: Found) -> list[np.ndarray]:
    return split_edges(Edges(band.pairs, band.similar), parts)


def _join(parts: int, texts: int, *pieces: np.ndarray) -> list[Any]:
    edges = joined(pieces, texts)
    return [edges, len(edges), *stars_by_partition(links_of(edges), parts)]


def _route(part: int, parts: int, edges: np.ndarray, stars: np.ndarray, *rows: np.ndarray) -> list[Share]:
    return route(part, parts, edges, stars, rows)


def _judge(old: int, old_texts: int, *pieces: Share) -> list[Standing]:
    return [judge_share(old, old_texts, pieces)]
