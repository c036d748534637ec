"""How seeds are learnt: dataset cartography (Swayamdipta et al. 2020) on a linear head, and who is near whom.

Epochs of a head on frozen embeddings take milliseconds. Its rate is so high that easy texts have their label for good
after an epoch or two, while ambiguous ones get it late or go to and fro. At a low rate, or cut short, it would be the
easy ones that change most.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import softmax

EPOCHS = 20
BATCH = 4
RATE = 5.0
NEIGHBOURS = 15


def epoch_probabilities(embeddings: np.ndarray, targets: np.ndarray, labels: int, seed: int = 0) -> np.ndarray:
    """The probability of each label for each text after each epoch: float64 [EPOCHS, n, labels].

    `embeddings` are unit vectors [n, d], `targets` label numbers [n]. Stochastic gradient descent from a head of zeros;
    `seed` orders the texts of each epoch.
    """
    generator = np.random.default_rng(seed)
    vectors, gold = embeddings.astype(np.float64), np.eye(labels)[targets]
    weight = np.zeros((labels, vectors.shape[1]))
    seen = []
    for _ in range(EPOCHS):
        order = generator.permutation(len(vectors))
        for start in range(0, len(order), BATCH):
            chosen = order[start : start + BATCH]
            error = softmax(vectors[chosen] @ weight.T, axis=1) - gold[chosen]
            weight -= RATE * error.T @ vectors[chosen] / len(chosen)
        seen.append(softmax(vectors @ weight.T, axis=1))
    return np.array(seen)


def gold_probabilities(embeddings: np.ndarray, targets: np.ndarray, seed: int = 0) -> np.ndarray:
    """The probability of each text's own label after each epoch: float64 [EPOCHS, n]; see `epoch_probabilities`."""
    epochs = epoch_probabilities(embeddings, targets, int(targets.max()) + 1, seed)
    return epochs[:, np.arange(len(targets)), targets]


def variability(embeddings: np.ndarray, targets: np.ndarray, seed: int = 0) -> np.ndarray:
    """The standard deviation over epochs of each text's `gold_probabilities`: float64 [n], high for ambiguous ones."""
    return gold_probabilities(embeddings, targets, seed).std(axis=0)


def neighbours(embeddings: np.ndarray, names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Names of the NEIGHBOURS texts nearest to each, the nearest first, never itself; of equally near ones by name."""
    similar = embeddings @ embeddings.T
    near = {}
    for place, name in enumerate(names):
        others = [other for other in range(len(names)) if other != place]
        others.sort(key=lambda other: (-similar[place, other], names[other]))
        near[name] = tuple(names[other] for other in others[:NEIGHBOURS])
    return near
