"""The noise channel, and rows under several labels."""

from __future__ import annotations

import numpy as np
import pytest

from denoise.noise.calibration import NONE, Calibration, Evidence
from denoise.noise.channel import channel_of, through_channel
from denoise.noise.out_of_fold import Rows
from denoise.noise.self_taught import self_taught
from denoise.noise.soft import label_shares, soft_out_of_fold, soft_rows


def test_a_channel_is_counted_and_smoothed() -> None:
    posterior = np.repeat(np.eye(2), [8, 12], axis=0)
    given = np.array([0] * 6 + [1] * 2 + [1] * 12)  # a quarter of the first label's rows became the second
    assert channel_of(posterior, given) == pytest.approx(np.array([[10.5 / 13, 2.5 / 13], [0.5 / 17, 16.5 / 17]]))


def planted(rows: int, noise: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """True labels, given labels of which those of label 0 alone become label 1, and a flat but fair opinion."""
    draw = np.random.default_rng(0)
    true = draw.integers(3, size=rows)
    given = np.where((true == 0) & (draw.random(rows) < noise), 1, true)
    opinion = draw.dirichlet(np.full(3, 2.0), rows) + 0.4 * np.eye(3)[true]
    return true, given, opinion / opinion.sum(axis=1, keepdims=True)


def test_the_channel_finds_who_became_whom() -> None:
    true, given, opinion = planted(900, 0.4)
    posterior = through_channel(opinion, given)
    assert posterior.sum(axis=1) == pytest.approx(np.ones(900))
    assert channel_of(posterior, given)[0, 1] == pytest.approx(0.4, abs=0.08)
    right = [(each == true).mean() for each in (given, opinion.argmax(axis=1), posterior.argmax(axis=1))]
    assert right[2] > max(right[:2]) + 0.05


def test_a_student_and_a_channel_teach_each_other() -> None:
    """Three clouds on a circle; one row in ten has the label of the next cloud."""
    true = np.arange(90) % 3
    angles = true * 2.0 + np.linspace(-0.3, 0.3, 90)
    given = np.where(np.arange(90) % 10 == 0, (true + 1) % 3, true)
    posterior = self_taught(np.column_stack([np.cos(angles), np.sin(angles)]), given, np.arange(90) // 3 % 5, 3)
    assert posterior.argmax(axis=1).tolist() == true.tolist()


def test_the_order_of_rows_does_not_matter_to_the_channel() -> None:
    _, given, opinion = planted(60, 0.4)
    order = np.random.default_rng(1).permutation(60)
    assert through_channel(opinion[order], given[order]) == pytest.approx(through_channel(opinion, given)[order])
    assert through_channel(np.zeros((0, 3)), np.zeros(0, int)).shape == (0, 3)


def test_shares_of_labels() -> None:
    opinion = np.array([[0.9, 0.0999, 0.0001], [0.2, 0.8, 0.0]])
    evidence = Evidence((opinion,), np.array([NONE, 1]))
    rows = label_shares(evidence, Calibration((1.0,), 0.0), ["a", "b", "c"])
    assert rows == [{"a": 0.9, "b": 0.0999}, {"a": 0.2, "b": 0.8}]


def test_nobody_can_say_how_likely_a_label_without_seeds_is() -> None:
    opinion = np.array([[0.9, 0.1, 0.0], [0.2, 0.8, 0.0]])
    evidence = Evidence((opinion,), np.array([2, 1]))
    rows = label_shares(evidence, Calibration((1.0,), 0.0), ["a", "b", "c"])
    assert rows[0] == {} and rows[1] == {"a": 0.2, "b": 0.8}
    assert label_shares(Evidence((opinion[:0],), np.zeros(0, int)), Calibration((1.0,), 0.0), ["a", "b", "c"]) == []


def test_soft_rows() -> None:
    vectors = np.array([[1.0, 0.0], [0.0, 1.0]])
    rows = soft_rows(vectors, np.array([[0.6, 0.38, 0.02], [0.0, 0.0, 1.0]]), np.array([1.0, 0.5]))
    assert rows.vectors.tolist() == [[1, 0], [1, 0], [0, 1]]
    assert rows.targets.tolist() == [0, 1, 2]
    assert rows.weights == pytest.approx([0.6 / 0.98, 0.38 / 0.98, 0.5])
    many = soft_rows(vectors[:1], np.full((1, 100), 0.01), np.ones(1))
    assert len(many.targets) == 100 and many.weights.sum() == pytest.approx(1.0)


def test_a_round_of_self_training_asks_the_other_folds() -> None:
    angles = np.where(np.arange(30) % 2, 1.4, 0.1) + np.linspace(0, 0.1, 30)
    vectors, true = np.column_stack([np.cos(angles), np.sin(angles)]), np.arange(30) % 2
    unsure = 0.4 + 0.2 * np.eye(2)[true]
    unsure[0] = [0.0, 1.0]  # wrong, and sure of it
    found = soft_out_of_fold(vectors, unsure, np.arange(30) % 5, Rows.alike(vectors[10:12], true[10:12]))
    assert found.argmax(axis=1).tolist() == true.tolist()
