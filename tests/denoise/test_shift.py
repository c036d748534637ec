"""Drift between batches of real texts."""

from __future__ import annotations

import numpy as np
import pytest

from denoise.shift import Batch, js, mean_shift, psi, shift


def batch(labels: str, at: float = 0.0, outside: int = 0, seed: int = 0) -> Batch:
    """A letter is a label; vectors lie around (at, 0, 0)."""
    vectors = np.random.default_rng(seed).normal(size=(len(labels), 3)) + np.array([at, 0, 0])
    return Batch([*labels], vectors, np.arange(len(labels)) < outside)


def test_divergences_of_distributions() -> None:
    even, skewed = np.array([0.5, 0.5]), np.array([0.9, 0.1])
    assert psi(even, even) == js(even, even) == 0
    assert psi(even, skewed) == pytest.approx(0.4 * np.log(9))
    assert psi(even, skewed) == psi(skewed, even)
    assert js(np.array([1 - 1e-12, 1e-12]), np.array([1e-12, 1 - 1e-12])) == pytest.approx(1)


def test_the_same_rows_have_not_moved() -> None:
    one = batch("aabb" * 25)
    found = shift(one, one)
    assert (found.psi, found.js, found.mean, found.p_value) == pytest.approx((0, 0, 0, 1))
    assert not found.is_great


def test_two_samples_of_one_pool_have_not_moved_far() -> None:
    found = shift(batch("aabb" * 25, seed=1), batch("aabb" * 20, seed=2))
    assert found.p_value > 0.05 and found.psi == pytest.approx(0, abs=1e-3) and not found.is_great
    assert (found.before, found.rows) == (100, 80)


def test_other_labels_other_meanings_and_more_out_of_scope_are_told() -> None:
    labels = shift(batch("ab" * 50, seed=1), batch("aaab" * 25, seed=2))
    assert labels.psi == pytest.approx(0.2687, abs=1e-4) and labels.p_value > 0.01
    assert labels.label_p < 0.01 and labels.is_great
    meanings = shift(batch("ab" * 50, seed=1), batch("ab" * 50, at=1.0, outside=20, seed=2))
    assert meanings.p_value == 0.001 and meanings.mean == pytest.approx(1, abs=0.3) and meanings.is_great
    assert (meanings.outside, meanings.outside_before) == (0.2, 0)


def test_many_labels_differ_by_chance_alone() -> None:
    draw = np.random.default_rng(0)
    one, other = ([str(each) for each in draw.integers(77, size=300)] for _ in range(2))
    vectors = np.random.default_rng(1).normal(size=(300, 3))
    found = shift(Batch(one, vectors, np.zeros(300, bool)), Batch(other, vectors, np.zeros(300, bool)))
    assert found.psi > 0.25 and found.label_p > 0.05 and not found.is_great


def test_a_label_that_only_one_batch_has_is_no_infinity() -> None:
    found = shift(batch("a" * 50, seed=1), batch("b" * 50, seed=2))
    assert 0.9 < found.js < 1 and found.psi > 5


def test_repeats_and_refusals() -> None:
    one, other = np.eye(3), np.eye(3)[:2] + 0.1
    assert mean_shift(one, other, 3) == mean_shift(one, other, 3)
    with pytest.raises(ValueError, match="batches must have rows; got 3 and 0"):
        shift(batch("abc"), Batch([], np.zeros((0, 3)), np.zeros(0, bool)))
