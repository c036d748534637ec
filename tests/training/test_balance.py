"""Weights that make labels count alike."""

from __future__ import annotations

import numpy as np

from training.balance import balanced_each, balancing


def test_labels_weigh_the_same() -> None:
    found = balancing(np.array([0, 0, 0, 1]))
    assert found.tolist() == [2 / 3, 2 / 3, 2 / 3, 2.0]


def test_equal_labels_stay_as_they_are() -> None:
    assert balancing(np.array([0, 1, 1, 0])).tolist() == [1.0] * 4


def test_a_share_goes_part_of_the_way() -> None:
    assert balancing(np.array([0, 0, 0, 0, 1]), 0.0).tolist() == [1.0] * 5
    found = balancing(np.array([0, 0, 0, 0, 1]), 0.5)
    assert np.allclose(found, [5 / 6] * 4 + [10 / 6])


def test_what_texts_count_now_counts() -> None:
    weights = np.array([0.5, 0.5, 2.0])
    found = weights * balancing(np.array([0, 0, 1]), 1.0, weights)
    assert np.allclose(found, [0.75, 0.75, 1.5])


def test_each_of_several_labels_is_balanced_by_itself() -> None:
    weights = np.array([1.0, 1.0, 2.0, 4.0])
    targets = np.array([[1, 0], [0, 1], [0, 1], [0, 1]])
    found = balanced_each(targets, weights)
    assert np.allclose(found[:, 0], [4.0, *np.array([1.0, 2.0, 4.0]) * 4 / 7])
    assert np.allclose(found[:, 1], found[:, 0])
    # what all texts have stays as it is
    assert balanced_each(np.ones((4, 1), int), weights).flatten().tolist() == weights.tolist()
