"""From verified edges to a decision on every row."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from denoise.dedup.groups import NOBODY, centres, largest_component, neighbours, walk
from denoise.dedup.roster import Roster

KEPT, EXACT, NEAR, CONFLICT = "kept", "exact_duplicate", "near_duplicate", "label_conflict"
REASONS = (KEPT, EXACT, NEAR, CONFLICT)


@dataclass(frozen=True)
class Edges:
    """Verified pairs of text numbers, int64 [m, 2], earlier first, each once, and their similarity, float32 [m]."""

    pairs: np.ndarray
    similar: np.ndarray


@dataclass(frozen=True)
class Decisions:
    """By rank, int64 unless said otherwise: who stands for a row, the row that decided, the cluster's first row.

    `reason` int8 is a place in REASONS, `similarity` float32 that to the row that decided (`match`, NOBODY: none),
    `copies` how many rows a kept one stands for. `largest` rows hang together, directly or through others.
    """

    survivor: np.ndarray
    match: np.ndarray
    cluster: np.ndarray
    reason: np.ndarray
    similarity: np.ndarray
    copies: np.ndarray
    largest: int


def join_edges(pieces: list[tuple[np.ndarray, np.ndarray]], texts: int) -> Edges:
    """Edges found in several bands, each once, by the later text and then the earlier."""
    pairs = np.concatenate([np.zeros((0, 2), np.int64), *(pairs for pairs, _ in pieces)])
    similar = np.concatenate([np.zeros(0, np.float32), *(similar for _, similar in pieces)])
    _, once = np.unique(pairs[:, 1] * max(texts, 1) + pairs[:, 0], return_index=True)
    return Edges(pairs[once], similar[once])


def decide(roster: Roster, edges: Edges) -> Decisions:
    """Walk the rows in the total order and let one fall only if it directly matches one already kept."""
    count, texts = len(roster), roster.texts
    ranks = np.arange(count)
    chosen = np.flatnonzero(roster.twin == ranks)  # one row for each text and label
    place = np.searchsorted(chosen, roster.twin)
    old_texts = int(roster.text[: roster.old].max()) + 1 if roster.old else 0
    starts, touching = neighbours(texts, edges.pairs)
    standing, conflict, likeness = walk(
        roster.text[chosen],
        roster.labels[chosen],
        texts,
        edges.pairs,
        edges.similar,
        starts,
        touching,
        int(np.searchsorted(chosen, roster.old)),
    )
    centre = centres(texts, edges.pairs, starts, touching, old_texts)
    fallen = standing[place] != NOBODY
    twin = ~fallen & (roster.twin != ranks)
    at_odds = ~fallen & ~twin & (conflict[place] != NOBODY)
    survivor = np.where(fallen, chosen[standing[place]], roster.twin)
    match = np.where(fallen | twin, survivor, np.where(at_odds, chosen[conflict[place]], NOBODY))
    reason = np.select([fallen, twin, at_odds], [2, 1, 3], 0).astype(np.int8)
    similarity = np.where(twin, np.float32(1), likeness[place])
    copies = np.bincount(survivor, minlength=count)
    return Decisions(
        survivor,
        match,
        roster.text_rank[centre[roster.text]],
        reason,
        similarity.astype(np.float32),
        np.where(survivor == ranks, copies, 0),
        int(largest_component(texts, edges.pairs, np.bincount(roster.text, minlength=texts))),
    )


def decisions_table(roster: Roster, decisions: Decisions, clusters: pa.Array, ranks: np.ndarray) -> pa.Table:
    """The decisions on the rows of these ranks, as they are written; `clusters` by rank: the ids that they go by."""

    def ids(places: np.ndarray, source: pa.Array = roster.ids) -> pa.Array:
        return source.take(pa.array(places, mask=places == NOBODY))

    names = pa.array(REASONS)
    return pa.table(
        {
            "id": ids(ranks),
            "survivor_id": ids(decisions.survivor[ranks]),
            "cluster_id": ids(decisions.cluster[ranks], clusters),
            "match_id": ids(decisions.match[ranks]),
            "similarity": decisions.similarity[ranks],
            "reason": names.take(pa.array(decisions.reason[ranks])),
            "copies": decisions.copies[ranks].astype(np.int32),
        }
    )
