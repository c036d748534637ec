"""How many rows of one set stand, nearly, in another."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from denoise.dedup.compare import compare
from denoise.dedup.texts import read_texts
from denoise.sketch import near_settings


def near_duplicates_between(texts: Sequence[str], others: Sequence[str], threshold: float) -> int:
    """Number of `texts` whose true Jaccard similarity to one of `others` is `threshold` or more."""
    settings = near_settings(threshold)
    shingles = read_texts(pa.array([*others, *texts], pa.string()), settings).shingles
    first, second = compare(shingles, settings, old=len(others)).T
    return len(np.unique(second[first < len(others)]))
