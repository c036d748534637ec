from __future__ import annotations

import numpy as np
import pytest

from denoise.dedup.survivors import survivors

CHAIN = [(0, 1), (1, 2), (2, 3)]


def test_a_chain_keeps_every_other_text() -> None:
    assert survivors(4, np.array(CHAIN)).tolist() == [-1, 0, -1, 2]


def test_the_earliest_kept_match_is_named() -> None:
    assert survivors(4, np.array([(0, 1), (1, 3), (2, 3)])).tolist() == [-1, 0, -1, 2]
    assert survivors(4, np.array([(2, 3), (0, 3)])).tolist() == [-1, -1, -1, 0]


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_edges_does_not_matter(seed: int) -> None:
    edges = np.random.default_rng(seed).permutation(np.array([*CHAIN, (0, 4), (3, 4), (4, 5)]))
    assert survivors(6, edges).tolist() == [-1, 0, -1, 2, 0, -1]


def test_fixed_texts_always_stand() -> None:
    assert survivors(4, np.array([(0, 1), (1, 2), (2, 3)]), fixed=2).tolist() == [-1, -1, 1, -1]


def test_without_edges_all_stand() -> None:
    assert survivors(2, np.zeros((0, 2), np.int64)).tolist() == [-1, -1]
