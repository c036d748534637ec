"""How many rows of one set stand, nearly, in another."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from denoise.dedup.minhash import BANDS, band_keys
from denoise.dedup.near import near_edges
from denoise.dedup.shingles import shingle
from denoise.normal import normalise


def near_duplicates_between(texts: Sequence[str], others: Sequence[str], threshold: float) -> int:
    """Number of `texts` whose true Jaccard similarity to one of `others` is `threshold` or more."""
    shingles = shingle(normalise(pa.array([*others, *texts], pa.string())))
    bands = band_keys(shingles)
    edges = np.concatenate([near_edges(bands, shingles, band, threshold) for band in range(BANDS)])
    first, second = edges[:, 0], edges[:, 1]
    return len(np.unique(second[(first < len(others)) & (second >= len(others))]))
