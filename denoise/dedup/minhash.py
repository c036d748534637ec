"""MinHash signatures cut into bands: only texts that share a band are compared.

Broder, "On the resemblance and containment of documents" (1997); banding after Leskovec, Rajaraman and Ullman,
"Mining of Massive Datasets", chapter 3. With 25 bands of 5 rows a pair of Jaccard similarity .5 shares a band with
probability .55, one of .6 with .87 and one of .7 with .99.
"""

from __future__ import annotations

import numpy as np

from denoise.dedup.shingles import Shingles

BANDS, ROWS = 25, 5
_SEED = 20240
_FACTOR = np.uint64(0xBF58476D1CE4E5B9)
_SHIFT = np.uint64(31)


def band_keys(shingles: Shingles) -> np.ndarray:
    """uint64 [n, BANDS]: equal keys in a column mean that all ROWS minima of that band agree.

    The hash functions are fixed, so that signatures of all rounds and machines can be compared.
    """
    rng = np.random.default_rng(_SEED)
    factors = rng.integers(0, 2**63, (BANDS, ROWS), np.uint64) * np.uint64(2) + np.uint64(1)
    shifts = rng.integers(0, 2**63, (BANDS, ROWS), np.uint64)
    values, starts = _mix(shingles.values.astype(np.uint64)), shingles.starts[:-1]
    keys = np.zeros((len(starts), BANDS), np.uint64)
    for band in range(BANDS if len(starts) else 0):
        for row in range(ROWS):
            minima = np.minimum.reduceat(values * factors[band, row] + shifts[band, row], starts)
            keys[:, band] = _mix(keys[:, band] + minima)
    return keys


def _mix(values: np.ndarray) -> np.ndarray:
    mixed = (values ^ (values >> _SHIFT)) * _FACTOR
    return mixed ^ (mixed >> _SHIFT)
