"""The share of rows that are unlike all earlier ones."""

from __future__ import annotations

import numpy as np
import pytest

from denoise.novelty import new_share


def unit(*degrees: float) -> np.ndarray:
    angles = np.deg2rad(degrees)
    return np.column_stack([np.cos(angles), np.sin(angles)]).astype(np.float32)


@pytest.mark.parametrize(("similar", "expected"), [(0.9, 0.5), (0.4, 0.25), (1.0, 1.0), (-1.0, 0.0)])
def test_rows_far_from_all_earlier_ones(similar: float, expected: float) -> None:
    # cosines of the nearest: .9998 (1 degree), .985 (10), .5 (60), 0 (90)
    assert new_share(unit(0, 180), unit(1, 170, 60, 90), similar) == expected


def test_blocks_do_not_matter() -> None:
    draw = np.random.default_rng(0).normal(size=(3000, 8)).astype(np.float32)
    vectors = draw / np.linalg.norm(draw, axis=1, keepdims=True)
    expected = float(((vectors[500:] @ vectors[:500].T).max(axis=1) < 0.8).mean())
    assert new_share(vectors[:500], vectors[500:], 0.8) == pytest.approx(expected)


def test_nothing_to_compare() -> None:
    assert new_share(unit(), unit(1)) is None
    assert new_share(unit(1), unit()) is None
