"""Exact duplicates: texts whose normal forms are equal, whatever their labels."""

from __future__ import annotations

import numpy as np

from denoise.dedup.survivors import STANDS


def exact_survivors(hashes: np.ndarray) -> np.ndarray:
    """For each text (its hashes, uint64 [n, 2], in the total order) the first equal one, or STANDS; int64 [n]."""
    from denoise.dedup.groups import first_equal

    one, two = np.ascontiguousarray(hashes.T)
    first = first_equal(one, two, np.zeros(len(one), np.uint64))
    return np.where(first == np.arange(len(first)), STANDS, first)
