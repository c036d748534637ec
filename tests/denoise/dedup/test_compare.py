from __future__ import annotations

import itertools
import random

import numpy as np
import pyarrow as pa
import pytest

from denoise.dedup.compare import compare, compare_band
from denoise.dedup.settings import BANDS, DedupSettings
from denoise.dedup.texts import Shingles, read_texts

WORDS = ["my", "the", "a", "card", "desk", "book", "lost", "late", "fee", "open", "hour", "room", "please", "when"]
SETTINGS = DedupSettings("characters", 5, 0.6)
NONE = np.zeros(0, bool)


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


def shingles_of(texts: list[str]) -> Shingles:
    return read_texts(pa.array(texts), SETTINGS).shingles


def exhaustive(shingles: Shingles) -> dict[tuple[int, int], float]:
    ends = zip(shingles.starts[:-1], shingles.starts[1:], strict=True)
    sets = [set(shingles.values[start:end].tolist()) for start, end in ends]
    pairs = ((a, b) for b in range(len(sets)) for a in range(b))
    return {(a, b): len(sets[a] & sets[b]) / len(sets[a] | sets[b]) for a, b in pairs}


def test_edges_are_true_each_found_once_and_hardly_any_missed() -> None:
    shingles = shingles_of(edited_texts())
    found = [tuple(edge) for edge in compare(shingles, SETTINGS).tolist()]
    truth = {pair for pair, similarity in exhaustive(shingles).items() if similarity >= 0.6}
    assert len(found) == len(set(found))
    assert set(found) <= truth
    assert len(found) >= 0.95 * len(truth)


def test_a_band_says_how_near() -> None:
    shingles = shingles_of(edited_texts())
    truth = exhaustive(shingles)
    found = compare_band(0, [lambda: shingles], np.array([0, len(shingles)]), NONE, SETTINGS)
    assert len(found.pairs) and found.compared >= len(found.pairs) and found.cut == 0
    assert found.similar.tolist() == [np.float32(truth[tuple(pair)]) for pair in found.pairs.tolist()]


def test_texts_in_several_spans_are_compared_all_the_same() -> None:
    shingles = shingles_of(edited_texts())
    firsts = np.array([0, 50, 51, 240])
    parts = [shingles.take(np.arange(a, b)) for a, b in itertools.pairwise(firsts)]
    for band in range(BANDS):
        whole = compare_band(band, [lambda: shingles], firsts[[0, -1]], NONE, SETTINGS)
        split = compare_band(band, [lambda part=part: part for part in parts], firsts, NONE, SETTINGS)
        assert sorted(split.pairs.tolist()) == sorted(whole.pairs.tolist())


def test_old_texts_are_compared_with_new_ones_alone() -> None:
    shingles = shingles_of(edited_texts())
    every, some = compare(shingles, SETTINGS), compare(shingles, SETTINGS, old=121)
    assert some.tolist() == every[every[:, 1] >= 121].tolist()


@pytest.mark.parametrize("text", ["a", "ok", "my card"])
def test_short_texts_are_compared(text: str) -> None:
    assert compare(shingles_of([text, "something else", text]), SETTINGS).tolist() == [[0, 2]]


def test_no_texts() -> None:
    assert compare(shingles_of([]), SETTINGS).shape == (0, 2)
