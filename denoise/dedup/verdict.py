"""From verified edges to a decision on every row."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from denoise.dedup.edges import Edges
from denoise.dedup.groups import NOBODY
from denoise.dedup.roster import Roster
from denoise.dedup.standing import Standing, chosen_rows, judge

KEPT, EXACT, NEAR, CONFLICT = "kept", "exact_duplicate", "near_duplicate", "label_conflict"
REASONS = (KEPT, EXACT, NEAR, CONFLICT)


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


def decide(roster: Roster, edges: Edges) -> Decisions:
    """Decide on all rows at once, in this process."""
    rows = chosen_rows(roster)
    old = int(np.searchsorted(rows.rank, roster.old))
    return conclude(roster, judge(rows, roster.texts, edges, old, roster.old_texts))


def conclude(roster: Roster, standing: Standing) -> Decisions:
    """From the first row of each text and label to all rows."""
    count = len(roster)
    ranks = np.arange(count)
    place = np.searchsorted(standing.rank, roster.twin)
    survivor, conflict = standing.survivor[place], standing.conflict[place]
    fallen = survivor != NOBODY
    twin = ~fallen & (roster.twin != ranks)
    at_odds = ~fallen & ~twin & (conflict != NOBODY)
    survivor = np.where(fallen, survivor, roster.twin)
    copies = np.bincount(survivor, minlength=count)
    return Decisions(
        survivor,
        np.where(fallen | twin, survivor, np.where(at_odds, conflict, NOBODY)),
        standing.cluster[place],
        np.select([fallen, twin, at_odds], [2, 1, 3], 0).astype(np.int8),
        np.where(twin, np.float32(1), standing.similarity[place]).astype(np.float32),
        np.where(survivor == ranks, copies, 0),
        standing.largest,
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
