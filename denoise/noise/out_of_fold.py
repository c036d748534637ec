"""What a student thinks of rows that it was not trained on: a linear head on an encoder's vectors, in seconds.

A student that has seen a wrong label believes it; one that has seen the other folds alone does not.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import softmax

STRENGTH = 10.0  # scikit-learn's C


class Rows(NamedTuple):
    """Vectors float [n, d], label numbers int [n] and weights float [n]."""

    vectors: np.ndarray
    targets: np.ndarray
    weights: np.ndarray

    @classmethod
    def alike(cls, vectors: np.ndarray, targets: np.ndarray) -> Rows:
        """Rows of weight 1."""
        return cls(vectors, targets, np.ones(len(targets)))

    def chosen(self, places: np.ndarray) -> Rows:
        """Those of a mask [n], or of positions."""
        return Rows(*(each[places] for each in self))

    def joined(self, other: Rows) -> Rows:
        """These and then the others."""
        return Rows(*(np.concatenate(pair) for pair in zip(self, other, strict=True)))


def out_of_fold(
    rows: Rows, folds: np.ndarray, labels: int, anchors: Rows | None = None, strength: float = STRENGTH
) -> np.ndarray:
    """Probabilities float64 [n, labels] of each row, by a head on the rows of the other folds and all `anchors`.

    Anchors are rows whose labels are trusted, such as seeds. Rows of weight 0 are told of and not learnt from. A label
    that a fold's head has not seen gets 0 there; where there is nothing to learn from, all labels are equal.
    """
    found = np.full((len(rows.targets), labels), 1 / labels)
    for fold in np.unique(folds):
        inside = folds == fold
        known = rows.chosen(~inside & (rows.weights > 0))
        if anchors is not None:
            known = anchors.joined(known)
        if len(known.targets):
            found[inside] = head_probabilities(known, rows.vectors[inside], labels, strength)
    return found


def head_probabilities(known: Rows, vectors: np.ndarray, labels: int, strength: float = STRENGTH) -> np.ndarray:
    """Probabilities float64 [m, labels] of `vectors` by a logistic regression on `known` rows."""
    from training.head import fit_head

    weight, bias = fit_head(known.vectors, known.targets, labels, strength, known.weights)
    return softmax(vectors.astype(np.float64) @ weight.T + bias, axis=1)
