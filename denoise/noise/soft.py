"""Rows under several labels at once: a student that is told how unsure a label is learns less of a judge's mistakes."""

from __future__ import annotations

import numpy as np

from denoise.noise.out_of_fold import Rows, head_probabilities
from training.shares import likely


def soft_rows(vectors: np.ndarray, probabilities: np.ndarray, weights: np.ndarray) -> Rows:
    """Each row once for its likeliest label and for each that it has a few percent of, by its share of `weights`."""
    shares = likely(probabilities) * weights[:, None]
    places, targets = np.nonzero(shares)
    return Rows(vectors[places], targets, shares[places, targets])


def soft_out_of_fold(
    vectors: np.ndarray, probabilities: np.ndarray, folds: np.ndarray, anchors: Rows | None = None
) -> np.ndarray:
    """As `out_of_fold`, of rows [n, d] under soft labels [n, labels]: one round of self-training."""
    found = np.zeros(probabilities.shape)
    for fold in np.unique(folds):
        inside = folds == fold
        known = soft_rows(vectors[~inside], probabilities[~inside], np.ones(int((~inside).sum())))
        if anchors is not None:
            known = anchors.joined(known)
        found[inside] = head_probabilities(known, vectors[inside], probabilities.shape[1])
    return found
