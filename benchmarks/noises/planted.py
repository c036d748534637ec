"""Wrong labels planted into real rows: how many, where, and which label they get instead."""

from __future__ import annotations

import numpy as np
from scipy.special import softmax

from denoise.noise.out_of_fold import Rows, head_probabilities

KINDS = ("uniform", "class", "instance")
NEAR = 3  # labels that those of one class are confused with
_SHARPNESS = 20.0


def plant(kind: str, share: float, vectors: np.ndarray, true: np.ndarray, labels: int, seed: int) -> np.ndarray:
    """Label numbers [n] of which `share` are wrong. Exactly so many rows, drawn with `seed`, by `kind`:

    - uniform: any row gets any other label
    - class: labels differ in how often they are wrong, and theirs go to the NEAR labels whose mean vectors are nearest
    - instance: the less sure a head on the true labels is of a row, the likelier it is wrong; it gets the label that
      this head finds likeliest but for the true one
    """
    draw = np.random.default_rng([seed, round(100 * share), KINDS.index(kind)])
    count = round(share * len(true))
    if kind == "uniform":
        chances, others = np.ones(len(true)), np.ones((len(true), labels))
    elif kind == "class":
        means = np.array([vectors[true == label].mean(axis=0) for label in range(labels)])
        chances, others = draw.gamma(2.0, size=labels)[true], _nearest(means @ means.T)[true]
    else:
        sure = head_probabilities(Rows.alike(vectors, true), vectors, labels)
        chances, others = 1 - sure[np.arange(len(true)), true], softmax(_SHARPNESS * sure, axis=1)
    others = others.copy()
    others[np.arange(len(true)), true] = 0
    wrong = draw.choice(len(true), count, replace=False, p=chances / chances.sum())
    given = true.copy()
    for row in wrong:
        given[row] = draw.choice(labels, p=others[row] / others[row].sum())
    return given


def _nearest(similar: np.ndarray) -> np.ndarray:
    """1 for the NEAR labels most similar to each, else 0: [labels, labels]."""
    similar = similar.copy()
    np.fill_diagonal(similar, -np.inf)
    found = np.zeros_like(similar)
    np.put_along_axis(found, np.argsort(-similar, axis=1, kind="stable")[:, :NEAR], 1.0, axis=1)
    return found
