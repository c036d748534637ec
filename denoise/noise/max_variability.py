"""Estimated max variability (Liu et al. 2022, "WANLI"): which unlabelled rows a student finds ambiguous."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def max_variability(epochs: np.ndarray) -> np.ndarray:
    """Largest standard deviation over epochs of any label's probability, float64 [n], from float [epochs, n, labels].

    It needs no given label: the paper keeps the upper half of each intended label, the ambiguous rows being those that
    teach. It is a measure of use, not of wrongness.
    """
    return epochs.std(axis=0).max(axis=1)


def most_ambiguous(epochs: np.ndarray, intended: Sequence[str | None], ids: Sequence[str], share: float) -> np.ndarray:
    """Which rows are of the most ambiguous `share` of those of their intended label, bool [n]; equal ones by id."""
    scores = max_variability(epochs)
    kept = np.zeros(len(ids), bool)
    for label in set(intended):
        places = [place for place, each in enumerate(intended) if each == label]
        places.sort(key=lambda place: (-scores[place], ids[place]))
        kept[places[: round(share * len(places))]] = True
    return kept
