from __future__ import annotations

import math
import zlib

import numpy as np
import pytest

from denoise.diversity import (
    Diversity,
    choose,
    compression_ratio,
    copy_rate,
    distinct,
    diversity,
    diversity_by_label,
    matched_size,
    self_repetition,
    similarity,
    vendi,
)
from tests.denoise.cases import rows

TEXTS = ["Where is my card?", "Where is my card now?", "The desk is closed"]


def test_distinct() -> None:
    assert distinct(TEXTS, 1) == 8 / 13
    assert distinct(TEXTS, 2) == 7 / 10


def test_self_repetition() -> None:
    assert self_repetition(TEXTS) == pytest.approx(2 * math.log(2) / 3)
    assert self_repetition(TEXTS, n=5) == 0


def test_compression_ratio() -> None:
    raw = "\n".join(TEXTS).encode()
    assert compression_ratio(TEXTS) == len(raw) / len(zlib.compress(raw, 9))
    assert compression_ratio(["the same words again"] * 50) > 10


def test_copy_rate() -> None:
    assert copy_rate(TEXTS, ["where is MY card"], 0.7) == 2 / 3
    assert copy_rate(TEXTS, [], 0.7) == 0


def test_without_texts_all_measures_are_zero() -> None:
    assert diversity([], ["a seed"], 0.7) == Diversity(0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    assert diversity([], [], 0.7, np.zeros((0, 3))) == Diversity(0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


def test_by_label_and_over_all() -> None:
    table = rows(*({"text": text, "label": label} for text, label in zip(TEXTS, "bba", strict=True)))
    found = diversity_by_label(table, [], 0.7)
    assert list(found) == ["a", "b", None]
    assert found["b"] == diversity(choose(TEXTS[:2], 2), [], 0.7)
    assert found[None] == diversity(choose(TEXTS, 3), [], 0.7)


def test_labels_are_measured_at_equal_size() -> None:
    given = [{"text": f"text number {number}", "label": "a" if number < 12 else "b"} for number in range(50)]
    found = diversity_by_label(rows(*given), [], 0.7, lambda texts: np.eye(len(texts)))
    assert {name: measures.texts for name, measures in found.items()} == {"a": 12, "b": 12, None: 12}
    assert found["b"].vendi == pytest.approx(12)
    assert diversity_by_label(rows(*given[::-1]), [], 0.7, lambda texts: np.eye(len(texts))) == found
    assert [matched_size(counts) for counts in ([3, 50], [700, 900], [700] * 100, [])] == [10, 500, 40, 500]


def test_similarity_and_vendi_of_known_vectors() -> None:
    same, apart = np.tile([[0.6, 0.8]], (4, 1)), np.eye(4)
    assert (similarity(same), vendi(same)) == (pytest.approx(1), pytest.approx(1))
    assert (similarity(apart), vendi(apart)) == (pytest.approx(0), pytest.approx(4))
    pairs = np.array([[1.0, 0], [1, 0], [0, 1], [0, 1]])
    assert (similarity(pairs), vendi(pairs)) == (pytest.approx(2 / 6), pytest.approx(2))
    drawn = np.random.default_rng(0).normal(size=(9, 4))
    drawn /= np.linalg.norm(drawn, axis=1, keepdims=True)
    kernel = drawn @ drawn.T
    assert similarity(drawn) == pytest.approx((kernel.sum() - 9) / 72)
    shares = np.linalg.eigvalsh(kernel / 9)
    shares = shares[shares > 1e-12]
    assert vendi(drawn) == pytest.approx(np.exp(-(shares * np.log(shares)).sum()))
    assert similarity(apart[:1]) == 0
