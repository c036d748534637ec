"""Texts that belong to no label."""

from __future__ import annotations

import numpy as np
import pytest

from training.out_of_scope import SIGNS, Fence, bar_at, left_out


def unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def around(axes: list[int], each: int, seed: int, dimensions: int = 12) -> np.ndarray:
    """Unit vectors near some axes, `each` of them a row."""
    centres = np.eye(dimensions)[np.repeat(axes, each)]
    return unit(centres + 0.15 * np.random.default_rng(seed).normal(size=centres.shape))


KNOWN, TARGETS = around([0, 1, 2], 20, 1), np.repeat([0, 1, 2], 20)


def test_what_lies_on_other_axes_is_outside() -> None:
    fence = Fence.around(KNOWN, TARGETS)
    inside, outside = around([0, 1, 2], 200, 2), around([7, 8], 200, 3)
    assert fence.outside(outside).all()
    assert fence.outside(inside).mean() == pytest.approx(0.05, abs=0.05)
    assert (fence.outside(inside) == (fence.scores(inside) > 0)).all()
    signs = fence.signs(inside), fence.signs(outside)
    assert signs[0].shape == (600, len(SIGNS))
    assert (signs[0].mean(axis=0) < signs[1].mean(axis=0)).all()


def test_more_loss_lowers_the_bar() -> None:
    bars = [Fence.around(KNOWN, TARGETS, loss).bar for loss in (0.02, 0.1, 0.5)]
    assert bars == sorted(bars, reverse=True) and bars[0] > bars[2]


def test_the_bar_is_the_conformal_quantile() -> None:
    scores = np.arange(1, 20)[::-1]
    assert bar_at(scores, 0.05) == 19  # ceil(20 * .95)
    assert bar_at(scores, 0.5) == 10
    assert bar_at([3.0, 1.0], 0.05) == 3.0  # too few for the promise: the highest


def test_a_known_row_counts_as_if_it_were_not_known() -> None:
    signs = left_out(KNOWN, TARGETS, 1.0)
    similar = KNOWN @ KNOWN.T
    np.fill_diagonal(similar, -1)
    assert signs[:, 0] == pytest.approx(1 - similar.max(axis=1))
    assert (signs[:, :2].mean(axis=0) > Fence.around(KNOWN, TARGETS).signs(KNOWN)[:, :2].mean(axis=0)).all()


def test_labels_with_one_row_and_gaps_between_their_numbers() -> None:
    fence = Fence.around(np.eye(6)[:3], np.array([0, 5, 9]))
    assert np.isfinite(fence.scores(np.eye(6))).all()
    with pytest.raises(ValueError, match="known rows must be two or more; got 1"):
        Fence.around(np.eye(3)[:1], np.array([0]))


def test_rows_of_one_label_alone() -> None:
    fence = Fence.around(around([0], 20, 4), np.zeros(20, int))
    assert fence.outside(around([5], 10, 5)).all()
