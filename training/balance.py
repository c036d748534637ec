"""Weights that make labels count alike where some have many texts and others few."""

from __future__ import annotations

import numpy as np


def balancing(targets: np.ndarray, share: float = 1.0, weights: np.ndarray | None = None) -> np.ndarray:
    """What to multiply weights by, float64 [n], so that the sum of weights stays.

    `targets` are the numbers of labels [n], `weights` what texts count now (1 by default). With `share` 1 every label
    weighs the same in the end, with 0 nothing changes; in between the power of that much (Cui et al. 2019,
    "Class-balanced loss based on effective number of samples", interpolate alike).
    """
    weights = np.ones(len(targets)) if weights is None else weights
    totals = np.bincount(targets, weights)
    factors = totals[targets] ** -share
    return factors * (weights.sum() / (weights * factors).sum())


def balanced_each(targets: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """What each label of texts counts, float64 [n, labels]: `targets` [n, labels] are 0 or 1, `weights` [n] above 0.

    Texts with a label count as much together as those without, so that one half divides them: else of many labels few
    reach it.
    """
    return np.stack([weights * balancing(column, 1.0, weights) for column in targets.T], axis=1)
