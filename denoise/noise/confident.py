"""Confident learning (Northcutt et al. 2021, "Confident Learning: Estimating Uncertainty in Dataset Labels").

From out-of-fold probabilities and given labels to how labels are confused with each other, and which rows are wrong.
"""

from __future__ import annotations

import numpy as np


def self_confidence(probabilities: np.ndarray, given: np.ndarray) -> np.ndarray:
    """The probability of each row's given label, float64 [n]: low for a wrong one."""
    return probabilities[np.arange(len(given)), given]


def normalised_margin(probabilities: np.ndarray, given: np.ndarray) -> np.ndarray:
    """From 0 (sure of another label) to 1 (sure of the given one), float64 [n]."""
    others = probabilities.copy()
    others[np.arange(len(given)), given] = -np.inf
    return (self_confidence(probabilities, given) - others.max(axis=1) + 1) / 2


def label_thresholds(probabilities: np.ndarray, given: np.ndarray) -> np.ndarray:
    """Mean probability of each label over the rows given it, float64 [labels]; 1 for a label without rows."""
    labels = probabilities.shape[1]
    counts = np.bincount(given, minlength=labels)
    sums = np.bincount(given, weights=self_confidence(probabilities, given), minlength=labels)
    return np.where(counts > 0, sums / np.maximum(counts, 1), 1.0)


def confident_joint(probabilities: np.ndarray, given: np.ndarray) -> np.ndarray:
    """How many rows of each given label (first axis) seem to be of each true one, float64 [labels, labels].

    A row counts for the likeliest of the labels whose probability reaches the label's threshold, and is left out where
    none does. Counts are then scaled to the number of rows that each label was given to; a label that has counts of
    none stands for itself.
    """
    labels = probabilities.shape[1]
    above = probabilities >= label_thresholds(probabilities, given) - 1e-6
    best = np.where(above, probabilities, -1.0).argmax(axis=1)
    counted = above.any(axis=1)
    joint = np.zeros((labels, labels))
    np.add.at(joint, (given[counted], best[counted]), 1.0)
    empty = joint.sum(axis=1) == 0
    joint[empty, empty] = 1.0
    return joint / joint.sum(axis=1, keepdims=True) * np.bincount(given, minlength=labels)[:, None]


def noise_share(joint: np.ndarray) -> float:
    """The share of rows whose given label is not the true one, 0-1, from a confident joint."""
    return float(1 - np.trace(joint) / joint.sum()) if joint.sum() else 0.0


def confident_errors(probabilities: np.ndarray, given: np.ndarray) -> np.ndarray:
    """Which rows are wrongly labelled, bool [n]: pruned by noise rate.

    Of the rows given one label, as many as the joint says are truly of another one, those with the largest margin of
    that one over the given. A row whose given label is also its likeliest stands.
    """
    joint = confident_joint(probabilities, given)
    own = self_confidence(probabilities, given)
    wrong = np.zeros(len(given), bool)
    for label in np.unique(given):
        places = np.flatnonzero(given == label)
        for other in np.flatnonzero(joint[label] > 0):
            if other == label:
                continue
            margins = probabilities[places, other] - own[places]
            count = min(len(places), round(joint[label, other]))
            wrong[places[np.argsort(-margins, kind="stable")[:count]]] = True
    return wrong & (probabilities.argmax(axis=1) != given)
