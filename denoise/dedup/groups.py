"""Who stands and who falls, in numba: equal texts, clusters, survivors. Import late: numba is heavy."""

from __future__ import annotations

import numpy as np

from denoise.dedup.jit import compiled, mix

NOBODY = -1


@compiled
def first_equal(one: np.ndarray, two: np.ndarray, three: np.ndarray) -> np.ndarray:
    """For each row the first row with the same three uint64 values, int64 [n]."""
    size = 1
    while size < 2 * len(one):
        size *= 2
    slots = np.full(size, NOBODY, np.int64)
    found = np.empty(len(one), np.int64)
    for row in range(len(one)):
        slot = np.int64(mix(one[row] ^ mix(two[row] ^ mix(three[row]))) & np.uint64(size - 1))
        while True:
            other = slots[slot]
            if other == NOBODY:
                slots[slot] = row
                found[row] = row
                break
            if one[other] == one[row] and two[other] == two[row] and three[other] == three[row]:
                found[row] = other
                break
            slot = (slot + 1) & (size - 1)
    return found


@compiled
def neighbours(texts: int, edges: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """`edges` as adjacency: starts int64 [texts + 1], and the places of `edges` that touch each text, ascending."""
    starts = np.zeros(texts + 1, np.int64)
    for edge in range(len(edges)):
        starts[edges[edge, 0] + 1] += 1
        starts[edges[edge, 1] + 1] += 1
    for text in range(texts):
        starts[text + 1] += starts[text]
    filled = starts[:-1].copy()
    touching = np.empty(2 * len(edges), np.int64)
    for edge in range(len(edges)):
        for side in range(2):
            text = edges[edge, side]
            touching[filled[text]] = edge
            filled[text] += 1
    return starts, touching


@compiled
def centres(texts: int, edges: np.ndarray, starts: np.ndarray, touching: np.ndarray, old: int) -> np.ndarray:
    """For each text (in the total order) the earliest centre that it directly matches, itself where none; int64.

    Those that match none are centres, and so are the first `old` ones: clusters do not chain.
    """
    centre = np.full(texts, NOBODY, np.int64)
    for text in range(texts):
        best = text
        for place in range(starts[text], starts[text + 1]):
            edge = touching[place]
            other = edges[edge, 0] + edges[edge, 1] - text
            if other < best and centre[other] == other and text >= old:
                best = other
        centre[text] = best
    return centre


@compiled
def walk(
    rows_text: np.ndarray,
    rows_label: np.ndarray,
    texts: int,
    edges: np.ndarray,
    similar: np.ndarray,
    starts: np.ndarray,
    touching: np.ndarray,
    old: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Survivors: rows (in the total order, no two with one text and label) against the ones kept before them.

    A row falls if it directly matches a kept row of its label; one that matches kept rows of other labels alone
    stands, in conflict. The first `old` rows stand. Returns for each row the earliest kept row of its label that it
    matches or NOBODY, the same of another label, and the similarity to the one that decides (int64, int64, float32).
    """
    count = len(rows_text)
    survivor = np.full(count, NOBODY, np.int64)
    conflict = np.full(count, NOBODY, np.int64)
    similarity = np.ones(count, np.float32)
    last_kept = np.full(texts, NOBODY, np.int64)
    kept_before = np.full(count, NOBODY, np.int64)  # of the same text
    for row in range(count):
        text = rows_text[row]
        if row >= old:
            same, other = NOBODY, NOBODY
            same_likeness, other_likeness = np.float32(1), np.float32(1)
            for place in range(starts[text] - 1, starts[text + 1]):
                near, likeness = text, np.float32(1)  # first the other rows of this very text
                if place >= starts[text]:
                    edge = touching[place]
                    near, likeness = edges[edge, 0] + edges[edge, 1] - text, similar[edge]
                kept = last_kept[near]
                while kept != NOBODY:
                    if rows_label[kept] == rows_label[row]:
                        if same == NOBODY or kept < same:
                            same, same_likeness = kept, likeness
                    elif other == NOBODY or kept < other:
                        other, other_likeness = kept, likeness
                    kept = kept_before[kept]
            survivor[row] = same
            if same != NOBODY:
                similarity[row] = same_likeness
                continue
            if other != NOBODY:
                conflict[row] = other
                similarity[row] = other_likeness
        kept_before[row] = last_kept[text]
        last_kept[text] = row
    return survivor, conflict, similarity
