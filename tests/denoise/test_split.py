from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from denoise.split import deal, families

SHARES = (0.8, 0.1, 0.1)


def test_near_duplicates_and_links_chain_into_families() -> None:
    texts = ["where is my parcel today", "where is my parcel now", "open on sunday?", "the kettle is broken", "ping"]
    assert families(texts, [(2, 3)], 0.5).tolist() == [0, 0, 1, 1, 2]
    assert families(texts, [(4, 0)], 0.99).tolist() == [0, 1, 2, 3, 0]
    assert families([], [], 0.5).tolist() == []


def test_single_rows_are_dealt_out_exactly_by_label() -> None:
    labels = ["a"] * 100 + ["b"] * 20
    sides = deal(labels, np.arange(120), SHARES, seed=0)
    counts = Counter(zip(labels, sides.tolist(), strict=True))
    assert [counts["a", side] for side in range(3)] == [80, 10, 10]
    assert [counts["b", side] for side in range(3)] == [16, 2, 2]


def test_families_stay_together_and_labels_near_their_shares() -> None:
    rng = np.random.default_rng(1)
    family = rng.integers(0, 300, 1000)
    labels = [f"l{number}" for number in rng.integers(0, 5, 1000)]
    sides = deal(labels, family, SHARES, seed=0)
    assert all(len(set(sides[family == each].tolist())) == 1 for each in set(family.tolist()))
    for label in set(labels):
        mine = sides[np.array(labels) == label]
        assert [round(float((mine == side).mean()), 2) for side in range(3)] == pytest.approx(SHARES, abs=0.02)


def test_the_seed_decides_and_nothing_else() -> None:
    labels = ["a"] * 50
    first, again, other = (deal(labels, np.arange(50), SHARES, seed).tolist() for seed in (0, 0, 1))
    assert first == again != other


def test_of_no_rows_none() -> None:
    assert deal([], np.zeros(0, np.int64), SHARES, 0).tolist() == []
