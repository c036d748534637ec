from __future__ import annotations

import random

import numpy as np
import pyarrow as pa
import pytest

from denoise.dedup.minhash import BANDS, band_keys
from denoise.dedup.near import BUCKET_LEADERS, band_pairs, jaccard, near_edges
from denoise.dedup.shingles import Shingles, shingle

WORDS = ["my", "the", "a", "card", "desk", "book", "lost", "late", "fee", "open", "hour", "room", "please", "when"]


def edited_texts() -> list[str]:
    """120 texts of 8 words, and of each a copy with one word replaced."""
    rng = random.Random(3)
    texts = []
    for _ in range(120):
        words = rng.choices(WORDS, k=8)
        copy = list(words)
        copy[rng.randrange(8)] = rng.choice(WORDS)
        texts += [" ".join(words), " ".join(copy)]
    return texts


def exhaustive(shingles: Shingles) -> dict[tuple[int, int], float]:
    ends = zip(shingles.starts[:-1], shingles.starts[1:], strict=True)
    sets = [set(shingles.values[start:end].tolist()) for start, end in ends]
    pairs = ((a, b) for b in range(len(sets)) for a in range(b))
    return {(a, b): len(sets[a] & sets[b]) / len(sets[a] | sets[b]) for a, b in pairs}


def test_edges_are_true_each_found_once_and_hardly_any_missed() -> None:
    shingles = shingle(pa.array(edited_texts()))
    bands = band_keys(shingles)
    found = [tuple(edge) for band in range(BANDS) for edge in near_edges(bands, shingles, band, 0.6).tolist()]
    truth = {pair for pair, similarity in exhaustive(shingles).items() if similarity >= 0.6}
    assert len(found) == len(set(found))
    assert set(found) <= truth
    assert len(truth) > 50
    assert len(truth - set(found)) <= 0.05 * len(truth)


def test_jaccard_is_exact() -> None:
    shingles = shingle(pa.array(edited_texts()[:20]))
    truth = exhaustive(shingles)
    assert jaccard(shingles, np.array(list(truth))).tolist() == list(truth.values())
    assert jaccard(shingles, np.zeros((0, 2), np.int64)).tolist() == []


@pytest.mark.parametrize("text", ["a", "ok", "my card"])
def test_short_texts_are_compared(text: str) -> None:
    shingles = shingle(pa.array([text, "something else", text]))
    assert near_edges(band_keys(shingles), shingles, 0, 0.6).tolist() == [[0, 2]]


def test_pairs_of_a_band() -> None:
    pairs = band_pairs(np.array([7, 5, 7, 9, 7, 5], np.uint64))
    assert sorted(map(tuple, pairs.tolist())) == [(0, 2), (0, 4), (1, 5), (2, 4)]
    assert band_pairs(np.zeros(0, np.uint64)).shape == (0, 2)


def test_a_crowded_bucket_costs_linear_time() -> None:
    texts = BUCKET_LEADERS + 1000
    pairs = band_pairs(np.zeros(texts, np.uint64))
    assert len(pairs) == BUCKET_LEADERS * (BUCKET_LEADERS - 1) // 2 + 1000 * BUCKET_LEADERS
    assert pairs[:, 0].max() == BUCKET_LEADERS - 1
    assert (pairs[:, 0] < pairs[:, 1]).all()
