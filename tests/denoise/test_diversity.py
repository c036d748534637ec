from __future__ import annotations

import math
import zlib

import pytest

from denoise.diversity import (
    Diversity,
    compression_ratio,
    copy_rate,
    distinct,
    diversity,
    diversity_by_label,
    self_repetition,
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
    assert diversity([], ["a seed"], 0.7) == Diversity(0, 0.0, 0.0, 0.0, 0.0, 0.0)


def test_by_label_and_over_all() -> None:
    table = rows(*({"text": text, "label": label} for text, label in zip(TEXTS, "bba", strict=True)))
    found = diversity_by_label(table, [], 0.7)
    assert list(found) == ["a", "b", None]
    assert found["b"] == diversity(TEXTS[:2], [], 0.7)
    assert found[None] == diversity(TEXTS, [], 0.7)
