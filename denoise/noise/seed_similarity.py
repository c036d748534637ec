"""Noise as the mixture of soft prompts measures it (Chen et al. 2023): common attributes, distance from the seed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np


def attribute_frequency(attributes: Sequence[Sequence[str]]) -> np.ndarray:
    """Mean share of rows that have each of a row's attributes, float64 [n], 0 for a row without any.

    Attributes are whatever a row was asked for: its label, values of dimensions, slots.
    """
    counts = Counter(name for row in attributes for name in set(row))
    shares = [[counts[name] / len(attributes) for name in set(row)] for row in attributes]
    return np.array([float(np.mean(row)) if row else 0.0 for row in shares])


def seed_distance(vectors: np.ndarray, seeds: np.ndarray) -> np.ndarray:
    """1 - cosine of each row to its seed, float64 [n]; unit vectors [n, d] each. A row of several seeds: their mean."""
    return 1 - np.sum(vectors.astype(np.float64) * seeds, axis=1)


def mixture_noise(vectors: np.ndarray, seeds: np.ndarray, attributes: Sequence[Sequence[str]]) -> np.ndarray:
    """Half the one and half the other, float64 [n]: high for rows to drop."""
    return 0.5 * attribute_frequency(attributes) + 0.5 * seed_distance(vectors, seeds)
