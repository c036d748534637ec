"""A linear head on an encoder's vectors."""

from __future__ import annotations

import numpy as np
from scipy.optimize import brentq
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression

SEED_CONFIDENCE = 0.9
SCALES = (0.1, 100.0)  # within which a head is sharpened


def fit_head(
    embeddings: np.ndarray, targets: np.ndarray, labels: int, strength: float, weights: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Logistic regression as weight [labels, d] and bias [labels], float64; `strength` is scikit-learn's C.

    Labels absent from `targets` get bias -inf, so probability 0. A single label needs no regression.
    """
    present = np.unique(targets)
    weight, bias = np.zeros((labels, embeddings.shape[1])), np.full(labels, -np.inf)
    bias[present] = 0.0
    if len(present) > 1:
        head = LogisticRegression(C=strength, max_iter=1000).fit(embeddings, targets, weights)
        # two labels are stored by scikit-learn as one row, the log-odds of the second
        weight[present] = head.coef_ if len(present) > 2 else np.vstack([np.zeros_like(head.coef_), head.coef_])
        bias[present] = head.intercept_ if len(present) > 2 else [0.0, head.intercept_[0]]
    return weight, bias


def sharpen(weight: np.ndarray, bias: np.ndarray, embeddings: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A head scaled so that its mean confidence on its own seeds `embeddings` is SEED_CONFIDENCE.

    The more labels, the flatter the probabilities of a regularised regression. Scaled, a threshold means much the same
    for any number of labels.
    """
    logits = embeddings.astype(np.float64) @ weight.T

    def excess(scale: float) -> float:
        return float(softmax(scale * logits + scale * bias, axis=1).max(axis=1).mean()) - SEED_CONFIDENCE

    if excess(SCALES[0]) > 0 or excess(SCALES[1]) < 0:  # one label, or seeds that say the same under several
        return weight, bias
    scale = brentq(excess, *SCALES)
    return scale * weight, scale * bias
