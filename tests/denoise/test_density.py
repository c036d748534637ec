from __future__ import annotations

import numpy as np
import pytest

from denoise.density import densities, nearest_to, sparsest

# two close together, one a little apart, one at a right angle to them all
ANGLES = np.radians([0, 10, 40, 100])
VECTORS = np.column_stack([np.cos(ANGLES), np.sin(ANGLES)]).astype(np.float32)


def cosine(*degrees: float) -> float:
    return float(np.cos(np.radians(degrees)).mean())


def test_the_mean_similarity_to_the_nearest() -> None:
    assert densities(VECTORS, 1) == pytest.approx([cosine(10), cosine(10), cosine(30), cosine(60)])
    assert densities(VECTORS, 2) == pytest.approx([cosine(10, 40), cosine(10, 30), cosine(30, 40), cosine(60, 90)])
    # there are but three others
    assert densities(VECTORS, 9) == pytest.approx(densities(VECTORS, 3))


def test_few_vectors() -> None:
    assert densities(VECTORS[:0]).tolist() == []
    assert densities(VECTORS[:1]).tolist() == [0.0]


def test_blocks_make_no_difference() -> None:
    draw = np.random.default_rng(0).normal(size=(1500, 3)).astype(np.float32)
    draw /= np.linalg.norm(draw, axis=1, keepdims=True)
    similar = draw @ draw.T
    np.fill_diagonal(similar, -1)
    expected = np.sort(similar, axis=1)[:, -5:].mean(axis=1)
    assert densities(draw) == pytest.approx(expected, abs=1e-5)


def test_the_nearest_to_others_in_any_order() -> None:
    others = np.array([[0.0, 1.0], [0.0, 0.5]], np.float32)  # their mean is at 90 degrees
    assert nearest_to("abcd", VECTORS, others, 2) == [3, 2]
    assert nearest_to("dcba", VECTORS[::-1], others, 9) == [0, 1, 2, 3]
    assert nearest_to("", VECTORS[:0], others, 2) == nearest_to("abcd", VECTORS, others[:0], 2) == []


def test_the_sparsest_in_any_order() -> None:
    assert sparsest("abcd", VECTORS, 2, 1) == [3, 2]
    assert sparsest("dcba", VECTORS[::-1], 2, 1) == [0, 1]
    # a and b are each other's nearest: their ids decide
    assert sparsest("abcd", VECTORS, 9, 1) == [3, 2, 0, 1]
    assert sparsest("bacd", VECTORS, 9, 1) == [3, 2, 1, 0]
    assert sparsest("", VECTORS[:0], 2) == []
