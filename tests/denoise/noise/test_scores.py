"""The scores of single rows, on data small enough to count by hand."""

from __future__ import annotations

import numpy as np
import pytest

from denoise.noise.dynamics import area_under_margin, confidence, forgetting, variability
from denoise.noise.folds import fold_of
from denoise.noise.max_variability import max_variability, most_ambiguous
from denoise.noise.neighbours import neighbour_disagreement, neighbour_shares
from denoise.noise.out_of_fold import Rows, out_of_fold
from denoise.noise.seed_similarity import attribute_frequency, mixture_noise, seed_distance

# two epochs, three rows, two labels
EPOCHS = np.array([[[0.5, 0.5], [0.2, 0.8], [0.9, 0.1]], [[0.75, 0.25], [0.6, 0.4], [0.1, 0.9]]])
GIVEN = np.array([0, 0, 0])


def test_training_dynamics() -> None:
    assert confidence(EPOCHS, GIVEN) == pytest.approx([0.625, 0.4, 0.5])
    assert variability(EPOCHS, GIVEN) == pytest.approx([0.125, 0.2, 0.4])
    assert forgetting(EPOCHS, GIVEN).tolist() == [0, 0, 1]
    assert forgetting(EPOCHS, np.array([1, 1, 0])).tolist() == [2, 1, 1]  # the first never had its label
    third = (np.log(9) - np.log(9)) / 2
    assert area_under_margin(EPOCHS, GIVEN) == pytest.approx([np.log(3) / 2, np.log(0.25 * 1.5) / 2, third])


def test_max_variability_needs_no_label() -> None:
    assert max_variability(EPOCHS) == pytest.approx([0.125, 0.2, 0.4])
    kept = most_ambiguous(EPOCHS, ["a", "a", "b"], ["r1", "r2", "r3"], 0.5)
    assert kept.tolist() == [False, True, False]  # half of one row is none
    alike = np.repeat(EPOCHS[:, :1], 2, axis=1)
    assert most_ambiguous(alike, ["a", "a"], ["r2", "r1"], 0.5).tolist() == [False, True]


def test_the_noise_of_the_mixture() -> None:
    attributes = [["a", "red"], ["a", "blue"], ["b"], []]
    assert attribute_frequency(attributes) == pytest.approx([0.375, 0.375, 0.25, 0.0])
    rows, seeds = np.array([[1.0, 0.0], [0.6, 0.8], [0, 1], [1, 0]]), np.array([[1.0, 0.0]] * 4)
    assert seed_distance(rows, seeds) == pytest.approx([0, 0.4, 1, 0])
    assert mixture_noise(rows, seeds, attributes) == pytest.approx([0.1875, 0.3875, 0.625, 0.0])


def test_neighbours_count_by_their_cosines() -> None:
    vectors = np.array([[1, 0], [1, 0], [0.6, 0.8], [0, 1]], np.float32)
    shares = neighbour_shares(vectors, np.array([0, 1, 0, 1]), 2, neighbours=2)
    assert shares[0] == pytest.approx([0.375, 0.625])
    assert shares[3] == pytest.approx([1, 0])
    wrong = neighbour_disagreement(vectors, np.array([0, 1, 0, 1]), 2, neighbours=2)
    assert wrong[[0, 3]] == pytest.approx([0.625, 1.0])
    assert neighbour_shares(vectors[:1], np.array([1]), 2).tolist() == [[0.5, 0.5]]


def test_folds_are_known_by_ids_alone() -> None:
    ids = [f"row{number}" for number in range(500)]
    folds = fold_of(ids)
    assert fold_of(ids[::-1]).tolist() == folds.tolist()[::-1]
    assert fold_of(["row7"]).tolist() == [folds[7]]
    assert min(np.bincount(folds, minlength=5)) > 70
    assert len(fold_of([])) == 0


def blobs(count: int) -> Rows:
    """Two clouds on the unit circle, the rows of even number in the first."""
    angles = np.where(np.arange(count) % 2, 1.4, 0.1) + np.linspace(0, 0.1, count)
    return Rows.alike(np.column_stack([np.cos(angles), np.sin(angles)]).astype(np.float32), np.arange(count) % 2)


def test_a_row_does_not_learn_its_own_wrong_label() -> None:
    rows = blobs(40)
    wrong = Rows.alike(rows.vectors, np.where(np.arange(40) < 2, 1 - rows.targets, rows.targets))
    folds = np.arange(40) % 5
    found = out_of_fold(wrong, folds, 2)
    assert found.argmax(axis=1).tolist() == rows.targets.tolist()
    assert found.sum(axis=1) == pytest.approx(np.ones(40))
    order = np.random.default_rng(0).permutation(40)
    moved = out_of_fold(wrong.chosen(order), folds[order], 2)
    assert moved == pytest.approx(found[order], abs=1e-3)


def test_anchors_are_seen_by_every_fold_and_rows_without_weight_by_none() -> None:
    rows = blobs(10)
    silent = Rows(rows.vectors, 1 - rows.targets, np.zeros(10))
    folds = np.arange(10) % 5
    assert out_of_fold(silent, folds, 2).tolist() == [[0.5, 0.5]] * 10
    told = out_of_fold(silent, folds, 2, anchors=blobs(6))
    assert told.argmax(axis=1).tolist() == rows.targets.tolist()
    assert out_of_fold(rows, folds, 3)[:, 2].tolist() == [0.0] * 10
