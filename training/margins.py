"""From likelihoods under labels to margins. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def label_margins(mean_logprobs: np.ndarray, own: Sequence[int]) -> np.ndarray:
    """Own label's mean logprob less the likeliest other's, float64 [n]; nan where there is none to compare with."""
    rows = np.arange(len(mean_logprobs))
    places = np.asarray(own, dtype=np.int64).reshape(-1)
    others = mean_logprobs.copy()
    others[rows, places] = -np.inf
    others = np.where(np.isnan(others), -np.inf, others)
    best = others.max(axis=1, initial=-np.inf)
    return np.where(np.isfinite(best), mean_logprobs[rows, places] - best, np.nan)
