"""Rows that may be of several labels: from the share of each to what a student learns. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from training.job import TrainingRow

LEAST = 0.03  # a label with less is left out


def flattened(probabilities: np.ndarray, power: float) -> np.ndarray:
    """Probabilities [n, labels] to a power, rows again of sum 1: below 1 less sure than they were."""
    raised = np.maximum(probabilities, 0.0) ** power
    return raised / raised.sum(axis=1, keepdims=True)


def likely(probabilities: np.ndarray) -> np.ndarray:
    """Those of each row [n, labels] that are not below LEAST, and the largest in any case, again of sum 1."""
    enough = probabilities >= np.minimum(LEAST, probabilities.max(axis=1, keepdims=True))
    shares = np.where(enough, probabilities, 0.0)
    return shares / shares.sum(axis=1, keepdims=True)


def soft_targets(rows: Sequence[TrainingRow], columns: Sequence[str], power: float) -> np.ndarray | None:
    """How likely each row is to be of each of the labels `columns`, float64 [n, columns]; None where no row has shares.

    Shares are flattened by `power`, and small ones left out. A row without any is of its label alone.
    """
    if not any(row.shares for row in rows):
        return None
    places = {name: place for place, name in enumerate(columns)}
    found = np.zeros((len(rows), len(columns)))
    for place, row in enumerate(rows):
        for name, share in row.shares or ((row.label, 1.0),):
            found[place, places[name]] = share
    return likely(flattened(found, power))
