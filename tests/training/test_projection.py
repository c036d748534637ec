"""Embeddings on paper."""

from __future__ import annotations

import numpy as np
import pytest

from training.projection import FEW, project


def unit(vectors: np.ndarray) -> np.ndarray:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def test_a_few_lie_by_their_principal_components() -> None:
    wide = np.array([[1.0, 0, 0], [-1.0, 0, 0], [0, 0.6, 0.8], [0, -0.6, -0.8]], np.float32)
    places = project(wide)
    assert sorted(np.abs(places).round(6).tolist()) == [[0, 1], [0, 1], [1, 0], [1, 0]]
    assert project(wide).tolist() == places.tolist()


@pytest.mark.parametrize("count", [0, 1, 2])
def test_hardly_any(count: int) -> None:
    places = project(unit(np.eye(3)[:count]) if count else np.zeros((0, 3)))
    assert places.shape == (count, 2) and np.isfinite(places).all()
    assert np.abs(project(np.ones((5, 3), np.float32))).max() == 0  # all alike


def test_neighbours_stay_neighbours_of_many() -> None:
    generator = np.random.default_rng(0)
    groups = np.arange(FEW + 20) % 4
    vectors = unit(np.eye(8)[groups] * 3 + generator.normal(scale=0.2, size=(len(groups), 8)))
    places = project(vectors)
    far = np.linalg.norm(places[:, None] - places[None], axis=2) + 9 * np.eye(len(places))
    assert (groups[far.argmin(axis=1)] == groups).all()
    assert np.abs(places).max() == pytest.approx(1)
