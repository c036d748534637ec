"""Where embeddings lie: the rows that have the fewest like them, and those on the border to others."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

NEIGHBOURS = 5
_BLOCK = 1024  # rows compared with all others at once


def densities(vectors: np.ndarray, neighbours: int = NEIGHBOURS) -> np.ndarray:
    """Mean cosine similarity of each vector to its nearest others, float64 [n]; 0 for one that is alone.

    `vectors` are of length 1: [n, d]. With fewer than `neighbours` others, all of them count.
    """
    count = min(neighbours, len(vectors) - 1)
    if count < 1:
        return np.zeros(len(vectors))
    found = np.empty(len(vectors))
    for start in range(0, len(vectors), _BLOCK):
        similar = vectors[start : start + _BLOCK] @ vectors.T
        places = np.arange(len(similar))
        similar[places, start + places] = -np.inf  # a vector is no neighbour of its own
        found[start : start + _BLOCK] = np.partition(similar, -count)[:, -count:].mean(axis=1)
    return found


def nearest_to(ids: Sequence[str], vectors: np.ndarray, others: np.ndarray, count: int) -> list[int]:
    """Places of the `count` vectors that are most like the mean of `others`, the most like first; ties as below."""
    if not len(vectors) or not len(others):
        return []
    similar = vectors @ others.mean(axis=0)
    return sorted(range(len(ids)), key=lambda place: (-round(float(similar[place]), 3), ids[place]))[:count]


def sparsest(ids: Sequence[str], vectors: np.ndarray, count: int, neighbours: int = NEIGHBOURS) -> list[int]:
    """Places of the `count` least dense vectors, the least dense first; equal ones in the order of their ids.

    Densities are compared to three digits, so that the last bits of an embedding decide nothing.
    """
    found = densities(vectors, neighbours)
    return sorted(range(len(ids)), key=lambda place: (round(float(found[place]), 3), ids[place]))[:count]
