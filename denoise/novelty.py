"""How much of what a round brought is new: where hardly any row is unlike all earlier ones, more of them tell little.

The idea is Good and Turing's (Good 1953): the share of observations that are the first of their kind estimates how
likely the next one is of a kind that nobody has seen.
"""

from __future__ import annotations

import numpy as np

SIMILAR = 0.7  # cosine from which a row is of a kind with another
_BLOCK = 1024


def new_share(earlier: np.ndarray, now: np.ndarray, similar: float = SIMILAR) -> float | None:
    """The share of `now` [n, d] whose nearest of `earlier` [m, d] is less than `similar` to it, 0 to 1.

    Vectors are of length 1. None where there is nothing to compare.
    """
    if not len(earlier) or not len(now):
        return None
    nearest = [(now[start : start + _BLOCK] @ earlier.T).max(axis=1) for start in range(0, len(now), _BLOCK)]
    return float((np.concatenate(nearest) < similar).mean())
