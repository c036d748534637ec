from __future__ import annotations

import numpy as np
import pytest

from denoise.dedup.semantic import (
    BUCKET,
    FEW,
    MATCHES,
    MEMBERS,
    MOST_ALIKE,
    bucket_count,
    buckets_of,
    edges_of_bucket,
    label_thresholds,
    semantic_edges,
)
from denoise.dedup.survivors import survivors


def unit(vectors: np.ndarray) -> np.ndarray:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def around(cosines: list[float]) -> np.ndarray:
    """The first axis, and vectors at these cosines to it, each on an axis of its own beside it."""
    beside = np.diag(np.sqrt(1 - np.square(cosines)))
    return unit(np.vstack([np.eye(1, len(cosines) + 1), np.column_stack([cosines, beside])]))


def twins(texts: int, cosine: float) -> np.ndarray:
    """Vectors in clumps, each with another one at `cosine`, shuffled."""
    rng = np.random.default_rng(0)
    first = unit(rng.normal(size=(texts // 2, 64)) + 1.5 * rng.normal(size=(20, 64))[rng.integers(0, 20, texts // 2)])
    side = rng.normal(size=first.shape)
    side = unit(side - (side * first).sum(axis=1, keepdims=True) * first)
    return rng.permutation(np.vstack([first, cosine * first + np.sqrt(1 - cosine**2) * side])).astype(np.float32)


def exhaustive(vectors: np.ndarray, least: float) -> set[tuple[int, int]]:
    found: set[tuple[int, int]] = set()
    for place in range(len(vectors)):
        later = np.flatnonzero(vectors[place + 1 :] @ vectors[place] >= least) + place + 1
        found.update((place, int(other)) for other in later)
    return found


def test_both_thresholds_are_to_be_reached() -> None:
    vectors = around([0.95, 0.85, 0.7])
    assert semantic_edges(vectors, np.full(4, 0.8)).tolist() == [[0, 1], [0, 2], [1, 2]]
    assert semantic_edges(vectors, np.array([0.8, 0.96, 0.8, 0.6])).tolist() == [[0, 2]]
    assert semantic_edges(vectors[[3, 2, 0]], np.full(3, 0.84)).tolist() == [[1, 2]]
    assert semantic_edges(vectors[:1], np.full(1, 0.8)).tolist() == []
    assert semantic_edges(vectors[:0], np.zeros(0)).tolist() == []


def test_few_vectors_are_all_compared() -> None:
    vectors = twins(FEW, 0.93)
    assert set(map(tuple, semantic_edges(vectors, np.full(FEW, 0.9)).tolist())) == exhaustive(vectors, 0.9)


def test_buckets_miss_hardly_any() -> None:
    vectors = twins(2 * FEW, 0.93)
    edges = semantic_edges(vectors, np.full(2 * FEW, 0.9))
    found, truth = set(map(tuple, edges.tolist())), exhaustive(vectors, 0.9)
    assert len(found) == len(edges)
    assert found <= truth
    assert len(truth) >= FEW
    assert len(truth - found) <= 0.01 * len(truth)


def test_a_vector_is_looked_for_in_its_nearest_buckets() -> None:
    vectors = twins(FEW + 2, 0.93)
    visited = buckets_of(vectors)
    assert bucket_count(FEW) == 1
    assert bucket_count(FEW + 2) == FEW // BUCKET + 1
    assert all(len(set(row)) == len(row) for row in visited.tolist())
    sizes = np.bincount(visited[:, 0], minlength=bucket_count(FEW + 2))
    assert sizes.sum() == FEW + 2
    assert (buckets_of(vectors) == visited).all()
    pivots = vectors[np.random.default_rng(0).permutation(len(vectors))[: len(sizes)]]
    assert (visited[:, 0] == (vectors @ pivots.T).argmax(axis=1)).all()


def test_a_crowd_costs_bounded_memory_and_leaves_one() -> None:
    texts = MEMBERS + 50
    vectors = np.zeros((texts, 2), np.float32)
    vectors[:, 0] = 1
    edges = edges_of_bucket(vectors, np.full(texts, 0.9), np.zeros((texts, 1), np.int32), 0)
    assert len(edges) == MATCHES * (MATCHES - 1) // 2 + (texts - MATCHES) * MATCHES
    assert (survivors(texts, edges) == np.append(-1, np.zeros(texts - 1))).all()


def test_a_labels_own_seeds_are_no_duplicates() -> None:
    seeds = around([0.9, 0.5])
    vectors = np.vstack([seeds, seeds[:2], seeds[[0, 0]], seeds[2:]])
    labels = ["close", "close", "close", "pair", "pair", "same", "same", "alone"]
    bars = label_thresholds(vectors, labels, 0.85)
    assert bars["close"] == bars["pair"] == pytest.approx(0.9)
    assert bars["same"] == MOST_ALIKE
    assert bars["alone"] == 0.85
    assert label_thresholds(vectors, labels, 0.95)["close"] == 0.95
    least = np.array([bars[label] for label in labels[:3]])
    assert semantic_edges(seeds, least).tolist() == []
    assert label_thresholds(np.zeros((0, 2), np.float32), [], 0.85) == {}
