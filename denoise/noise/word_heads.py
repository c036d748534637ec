"""Which tag each word of a text has, by linear heads on an encoder's states: all folds' heads at once, in seconds.

A word is told of by its own state and those of its two neighbours.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

DIMENSIONS = 128  # principal ones of the states; more add time and little else
STRENGTH = 0.03  # as scikit-learn's C
STEPS = 40  # of L-BFGS


class Projection(NamedTuple):
    """From states [w, d] to their DIMENSIONS principal dimensions, scaled to variance 1 on average."""

    mean: np.ndarray
    scale: np.ndarray
    axes: np.ndarray

    @classmethod
    def of(cls, states: np.ndarray, dimensions: int = DIMENSIONS) -> Projection:
        mean, scale = states.mean(axis=0), states.std(axis=0) + 1e-6
        z = (states - mean) / scale
        variances, axes = np.linalg.eigh(z.T @ z / len(z))
        size = np.sqrt(max(float(variances[-dimensions:].mean()), 1e-12))
        return cls(mean, scale, axes[:, -dimensions:] / size)

    def __call__(self, states: np.ndarray) -> np.ndarray:
        return (((states - self.mean) / self.scale) @ self.axes).astype(np.float32)


def with_neighbours(states: np.ndarray, lengths: Sequence[int] | np.ndarray) -> np.ndarray:
    """Each word's state, that of the one before and that of the one behind it, zeros at the ends of rows: [w, 3 d].

    `lengths` are the rows' numbers of words.
    """
    ends = np.cumsum(lengths)
    before, behind = np.roll(states, 1, axis=0), np.roll(states, -1, axis=0)
    filled = np.asarray(lengths) > 0
    before[(ends - lengths)[filled]] = 0
    behind[ends[filled] - 1] = 0
    return np.concatenate([states, before, behind], axis=1)


def fit_word_heads(
    features: np.ndarray, targets: np.ndarray, weights: np.ndarray, tags: int, strength: float = STRENGTH
) -> np.ndarray:
    """Logistic regressions on the same words under different weights [heads, w]: float32 [heads, d + 1, tags].

    `targets` are tag numbers [w]; the last line of a head is its bias. Depends on nothing but its arguments, and the
    order of words only by rounding.
    """
    from scipy.optimize import minimize

    words, heads = len(features), len(weights)
    ones = np.ones((words, 1), np.float32)
    inputs, counted = np.concatenate([features, ones], axis=1, dtype=np.float32), weights.T.astype(np.float32)
    shape, places = (inputs.shape[1], heads * tags), np.arange(words)

    def loss_and_slope(flat: np.ndarray) -> tuple[float, np.ndarray]:
        head = flat.reshape(shape).astype(np.float32)
        chances = _softmax((inputs @ head).reshape(words, heads, tags))
        own = chances[places, :, targets]
        loss = -float((np.log(np.maximum(own, 1e-30)) * counted).sum())
        chances[places, :, targets] -= 1
        chances *= counted[:, :, None]
        head[-1] = 0  # biases are free
        slope = inputs.T @ chances.reshape(words, -1) + head / strength
        return loss + float((head**2).sum()) / (2 * strength), slope.ravel().astype(np.float64)

    found = minimize(
        loss_and_slope, np.zeros(shape[0] * shape[1]), jac=True, method="L-BFGS-B", options={"maxiter": STEPS}
    )
    return found.x.reshape(shape[0], heads, tags).transpose(1, 0, 2).astype(np.float32)


def tag_probabilities(head: np.ndarray, features: np.ndarray) -> np.ndarray:
    """Of one head: float32 [w, tags]."""
    return _softmax(features @ head[:-1] + head[-1])


def out_of_fold_tags(
    features: np.ndarray,
    targets: np.ndarray,
    folds: np.ndarray,
    tags: int,
    anchors: tuple[np.ndarray, np.ndarray, np.ndarray],
    strength: float = STRENGTH,
) -> np.ndarray:
    """Probabilities of each word's tags, float32 [w, tags], by a head on the words of other folds and all `anchors`.

    `folds` are those of the words' rows, so that no word of a row tells of another. `anchors` are features, tag numbers
    and weights of words that always tell, such as those of seeds. Where there is nothing to learn from, all are equal.
    """
    known, said, counts = anchors
    numbers, found = np.unique(folds), np.zeros((len(features), tags), np.float32)
    if not len(numbers):
        return found
    weights = np.stack([np.concatenate([folds != fold, counts]) for fold in numbers])
    told = np.concatenate([features, known]), np.concatenate([targets, said])
    for fold, head in zip(numbers, fit_word_heads(*told, weights, tags, strength), strict=True):
        found[folds == fold] = tag_probabilities(head, features[folds == fold])
    return found


def _softmax(logits: np.ndarray) -> np.ndarray:
    np.exp(logits - logits.max(axis=-1, keepdims=True), out=logits)
    logits /= logits.sum(axis=-1, keepdims=True)
    return logits
