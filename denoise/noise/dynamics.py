"""How a row was learnt: measures of the probabilities that a student gave it after each epoch.

`epochs` are float [epochs, n, labels] (training.dynamics.epoch_probabilities), `given` label numbers [n].
"""

from __future__ import annotations

import numpy as np


def confidence(epochs: np.ndarray, given: np.ndarray) -> np.ndarray:
    """Mean probability of the given label (Swayamdipta et al. 2020), float64 [n]: low for a wrong one."""
    return _own(epochs, given).mean(axis=0)


def variability(epochs: np.ndarray, given: np.ndarray) -> np.ndarray:
    """Standard deviation of the probability of the given label (the same), float64 [n]: high for an ambiguous row."""
    return _own(epochs, given).std(axis=0)


def forgetting(epochs: np.ndarray, given: np.ndarray) -> np.ndarray:
    """How often the given label was the likeliest and then was not (Toneva et al. 2019), int64 [n].

    A row that never had it counts one more than any can be forgotten: as many as there are epochs.
    """
    learnt = epochs.argmax(axis=2) == given
    forgotten = np.sum(learnt[:-1] & ~learnt[1:], axis=0)
    return np.where(learnt.any(axis=0), forgotten, len(epochs))


def area_under_margin(epochs: np.ndarray, given: np.ndarray) -> np.ndarray:
    """Mean margin of the given label to the likeliest other (Pleiss et al. 2020), float64 [n]: low for a wrong one.

    In log-probabilities, whose differences are those of the logits that the paper takes.
    """
    logs = np.log(np.maximum(epochs, 1e-12))
    own = _own(logs, given)
    logs[:, np.arange(len(given)), given] = -np.inf
    return (own - logs.max(axis=2)).mean(axis=0)


def _own(epochs: np.ndarray, given: np.ndarray) -> np.ndarray:
    return epochs[:, np.arange(len(given)), given]
