"""Which texts belong to none of a task's labels, from an encoder's vectors and a few rows that do.

Three signs that such a text leaves in vectors: it is far from every known row, far from every label's mean, and no
label's logit is high (the energy of Liu et al. 2020, "Energy-based out-of-distribution detection"). Each is measured in
standard deviations of what known rows leave when they are not known, and the three are added. The bar is the quantile
of that sum: so many of the rows that do belong are lost, and no row that does not is needed to set it. The vectors are
those of an encoder that was not tuned on the rows: a tuned one knows them by heart, so that leaving them out
tells nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp

from training.head import fit_head, sharpen

LOSS = 0.05  # share of rows that belong which may be lost
SIGNS = ("distance", "mean_distance", "energy")
_STRENGTH = 10.0  # of the head, scikit-learn's C
_FOLDS = 5
_BLOCK = 4096  # texts compared with all rows at once
_LEAST_SPREAD = 1e-3


@dataclass(frozen=True)
class Fence:
    """What is known of the labels, and the bar that a text outside is over.

    `vectors` [m, d] are the known rows, `means` [p, d] of labels; `weight` and `bias` are a head. `centre` and
    `spread` [3] are of SIGNS of rows that belong.
    """

    vectors: np.ndarray
    means: np.ndarray
    weight: np.ndarray
    bias: np.ndarray
    centre: np.ndarray
    spread: np.ndarray
    bar: float

    @classmethod
    def around(cls, vectors: np.ndarray, targets: np.ndarray, loss: float = LOSS) -> Fence:
        """Around unit vectors [m, d] of rows whose label numbers are `targets` [m].

        Raises ValueError for fewer than two rows, which say nothing of how far rows lie apart.
        """
        if len(vectors) < 2:
            raise ValueError(f"known rows must be two or more; got {len(vectors)}")
        vectors, scale = vectors.astype(np.float64), _scale(vectors, targets)
        left = left_out(vectors, targets, scale)
        centre, spread = left.mean(axis=0), np.maximum(left.std(axis=0), _LEAST_SPREAD)
        head = _head(vectors, targets, scale)
        bar = bar_at(((left - centre) / spread).sum(axis=1), loss)
        return cls(vectors, _means(vectors, targets), *head, centre, spread, bar)

    def signs(self, vectors: np.ndarray) -> np.ndarray:
        """SIGNS of unit vectors [n, d], float64 [n, 3]; each is higher for what lies further outside."""
        found = np.empty((len(vectors), len(SIGNS)))
        for start in range(0, len(vectors), _BLOCK):
            part = vectors[start : start + _BLOCK].astype(np.float64)
            found[start : start + _BLOCK] = _signs(part, self.vectors, self.means, self.weight, self.bias)
        return found

    def scores(self, vectors: np.ndarray) -> np.ndarray:
        """How far outside each lies, float64 [n]: over 0 it is outside."""
        return ((self.signs(vectors) - self.centre) / self.spread).sum(axis=1) - self.bar

    def outside(self, vectors: np.ndarray) -> np.ndarray:
        """Which of them belong to no label, bool [n]."""
        return self.scores(vectors) > 0


def left_out(vectors: np.ndarray, targets: np.ndarray, scale: float) -> np.ndarray:
    """SIGNS of known rows [m, d] had they not been known, float64 [m, 3]: by folds, the distance row by row."""
    found = np.empty((len(vectors), len(SIGNS)))
    folds = _folds(targets)
    for fold in np.unique(folds):
        inside = folds == fold
        known, of = vectors[~inside], targets[~inside]
        found[inside] = _signs(vectors[inside], known, _means(known, of), *_head(known, of, scale))
    for start in range(0, len(vectors), _BLOCK):
        similar = vectors[start : start + _BLOCK] @ vectors.T
        places = np.arange(len(similar))
        similar[places, start + places] = -np.inf  # a row is no neighbour of its own
        found[start : start + _BLOCK, 0] = 1 - similar.max(axis=1)
    return found


def bar_at(scores: Sequence[float] | np.ndarray, loss: float) -> float:
    """The bar that a new row like those of `scores` is over with a probability of `loss` or less.

    The quantile of split conformal prediction; of few rows it is their highest score.
    """
    ordered = np.sort(np.asarray(scores, np.float64))
    return float(ordered[min(len(ordered), math.ceil((len(ordered) + 1) * (1 - loss))) - 1])


def _signs(
    vectors: np.ndarray, known: np.ndarray, means: np.ndarray, weight: np.ndarray, bias: np.ndarray
) -> np.ndarray:
    near, mean = (1 - (vectors @ others.T).max(axis=1) for others in (known, means))
    return np.column_stack([near, mean, -logsumexp(vectors @ weight.T + bias, axis=1)])


def _means(vectors: np.ndarray, targets: np.ndarray) -> np.ndarray:
    found = np.array([vectors[targets == label].mean(axis=0) for label in np.unique(targets)])
    return found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-12)


def _head(vectors: np.ndarray, targets: np.ndarray, scale: float) -> tuple[np.ndarray, np.ndarray]:
    """A head over the labels that are there, as sharp as the one on all rows."""
    present, numbers = np.unique(targets, return_inverse=True)
    weight, bias = fit_head(vectors, numbers, len(present), _STRENGTH)
    return scale * weight, scale * bias


def _scale(vectors: np.ndarray, targets: np.ndarray) -> float:
    weight, bias = _head(vectors, targets, 1.0)
    sharp, _ = sharpen(weight, bias, vectors)
    return float(np.linalg.norm(sharp) / np.linalg.norm(weight)) if weight.any() else 1.0


def _folds(targets: np.ndarray) -> np.ndarray:
    """The fold of each row: those of a label go to all folds in turn, beginning at the label's own."""
    folds = np.zeros(len(targets), np.int64)
    for number, label in enumerate(np.unique(targets)):
        places = np.flatnonzero(targets == label)
        folds[places] = (number + np.arange(len(places))) % _FOLDS
    return folds
