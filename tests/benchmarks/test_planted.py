"""Planted label noise: as much as asked for, and where it is said to be."""

from __future__ import annotations

import numpy as np
import pytest
from noises.planted import KINDS, plant

TRUE = np.repeat(np.arange(4), 25)


def vectors() -> np.ndarray:
    """Four labels on a half circle; rows of a label lie up to half the way to the next one."""
    angles = (TRUE + np.tile(np.linspace(0, 0.5, 25), 4)) * np.pi / 4
    return np.column_stack([np.cos(angles), np.sin(angles)]).astype(np.float32)


@pytest.mark.parametrize("kind", KINDS)
def test_exactly_so_many_labels_are_wrong(kind: str) -> None:
    given = plant(kind, 0.2, vectors(), TRUE, 4, 0)
    assert np.sum(given != TRUE) == 20
    assert np.array_equal(given, plant(kind, 0.2, vectors(), TRUE, 4, 0))
    assert not np.array_equal(given, plant(kind, 0.2, vectors(), TRUE, 4, 1))


def test_unsure_rows_are_the_likeliest_to_be_wrong() -> None:
    counts = sum(plant("instance", 0.2, vectors(), TRUE, 4, seed) != TRUE for seed in range(20))
    inside, border = counts[25:30].mean(), counts[45:50].mean()  # of the second label
    assert border > inside
    taken = [plant("instance", 0.2, vectors(), TRUE, 4, seed)[45:50] for seed in range(20)]
    wrong = np.concatenate(taken)
    assert set(wrong[wrong != 1].tolist()) <= {0, 2, 3}
    assert np.mean(wrong[wrong != 1] == 2) > 0.5  # the label that lies next
