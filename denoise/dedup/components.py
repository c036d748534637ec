"""Connected components of a graph that one process can hold: union-find on an array, in numba. Import late."""

from __future__ import annotations

import numpy as np

from denoise.dedup.jit import compiled


@compiled
def least_of_components(texts: int, edges: np.ndarray) -> np.ndarray:
    """For each text the first one of its connected component of `edges` (int64 [m, 2]); int64 [texts]."""
    parent = np.arange(texts)
    for edge in range(len(edges)):
        one, two = edges[edge, 0], edges[edge, 1]
        while parent[one] != one:
            parent[one] = parent[parent[one]]
            one = parent[one]
        while parent[two] != two:
            parent[two] = parent[parent[two]]
            two = parent[two]
        parent[max(one, two)] = min(one, two)
    for text in range(texts):
        parent[text] = parent[parent[text]]  # no parent is later, and those of earlier texts are known
    return parent


@compiled
def largest_component(texts: int, edges: np.ndarray, weights: np.ndarray) -> int:
    """The greatest sum of `weights` (int64 [texts]) over a connected component of `edges` (int64 [m, 2])."""
    least = least_of_components(texts, edges)
    largest = 0
    total = np.zeros(texts, np.int64)
    for text in range(texts):
        total[least[text]] += weights[text]
        largest = max(largest, total[least[text]])
    return largest
