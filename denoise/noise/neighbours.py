"""Whether the texts nearest to a row carry another label."""

from __future__ import annotations

import numpy as np

NEIGHBOURS = 10
_BLOCK = 1024  # rows compared with all others at once


def neighbour_shares(vectors: np.ndarray, targets: np.ndarray, labels: int, neighbours: int = NEIGHBOURS) -> np.ndarray:
    """The labels of each row's nearest others, by their cosines: float64 [n, labels], rows sum to 1.

    `vectors` are unit vectors [n, d], `targets` label numbers [n]. A neighbour counts by its cosine, one at a right
    angle or beyond not at all; with fewer than `neighbours` others, all count. A row alone has all labels alike.
    """
    count = min(neighbours, len(vectors) - 1)
    found = np.full((len(vectors), labels), 1 / labels)
    if count < 1:
        return found
    for start in range(0, len(vectors), _BLOCK):
        similar = (vectors[start : start + _BLOCK] @ vectors.T).astype(np.float64)
        places = np.arange(len(similar))
        similar[places, start + places] = -np.inf  # a row is no neighbour of its own
        nearest = np.argsort(-similar, axis=1, kind="stable")[:, :count]
        weights = np.maximum(np.take_along_axis(similar, nearest, axis=1), 1e-9)
        shares = np.zeros((len(similar), labels))
        np.add.at(shares, (places[:, None], targets[nearest]), weights)
        found[start : start + _BLOCK] = shares / shares.sum(axis=1, keepdims=True)
    return found


def neighbour_disagreement(
    vectors: np.ndarray, targets: np.ndarray, labels: int, neighbours: int = NEIGHBOURS
) -> np.ndarray:
    """The share of a row's nearest others that carry another label than it does, float64 [n]: high for a wrong one."""
    shares = neighbour_shares(vectors, targets, labels, neighbours)
    return 1 - shares[np.arange(len(targets)), targets]
