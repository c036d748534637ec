"""Exact duplicates: texts whose normal forms are equal, whatever their labels."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from denoise.dedup.survivors import STANDS


def exact_survivors(normal: pa.Array) -> np.ndarray:
    """For each normalised text (in the total order) the position of the first equal one, or STANDS; int64 [n]."""
    codes = np.asarray(normal.dictionary_encode().indices, np.int64)
    _, first = np.unique(codes, return_index=True)
    earliest = first[codes]
    return np.where(earliest == np.arange(len(codes)), STANDS, earliest).astype(np.int64)
