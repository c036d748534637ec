"""Rows under several labels at once: a student that is told how unsure a label is learns less of a judge's mistakes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from denoise.noise.calibration import NONE, Calibration, Evidence
from denoise.noise.out_of_fold import Rows, head_probabilities
from training.shares import likely

LEAST_KEPT = 0.001  # of a label's share, to be written down
_DIGITS = 4


def label_shares(evidence: Evidence, calibration: Calibration, labels: Sequence[str]) -> list[dict[str, float]]:
    """How likely each row is to be of its likeliest labels: those with LEAST_KEPT or more, rounded.

    Of a row that was made for a label without seeds (0 in all rows of the first opinion) nobody can say: it has none.
    """
    if not len(evidence):
        return []
    unknown = (evidence.intended != NONE) & ~np.any(evidence.opinions[0], axis=0)[evidence.intended]
    return [
        {} if unasked else {name: round(p, _DIGITS) for name, p in zip(labels, row, strict=True) if p >= LEAST_KEPT}
        for row, unasked in zip(calibration.probabilities(evidence).tolist(), unknown, strict=True)
    ]


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
