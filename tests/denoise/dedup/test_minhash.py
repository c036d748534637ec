from __future__ import annotations

import numpy as np
import pyarrow as pa

from denoise.dedup.minhash import BANDS, ROWS, band_keys
from denoise.dedup.shingles import Shingles, shingle


def test_keys_depend_on_the_text_alone() -> None:
    alone = band_keys(shingle(pa.array(["where is my card"])))
    among = band_keys(shingle(pa.array(["x", "where is my card", "the desk is closed"])))
    assert alone.shape == (1, BANDS)
    assert (among[1] == alone[0]).all()
    assert not (among[2] == alone[0]).any()


def test_keys_do_not_change_between_releases() -> None:
    keys = band_keys(Shingles(np.array([1, 2, 3], np.uint32), np.array([0, 3])))
    assert [int(key) for key in keys[0, :2]] == [10805345902360365791, 14260709637559305326]


def test_bands_meet_as_often_as_theory_says() -> None:
    """Pairs of sets with 60 of 100 elements in common: a band of 5 minima agrees with probability .6 ** 5."""
    rng = np.random.default_rng(1)
    pairs = 400
    sets = []
    for _ in range(pairs):
        drawn = rng.choice(2**32, 100, replace=False).astype(np.uint32)
        sets += [np.sort(drawn[:80]), np.sort(np.concatenate([drawn[:60], drawn[80:]]))]
    keys = band_keys(Shingles(np.concatenate(sets), np.arange(2 * pairs + 1) * 80))
    met = (keys[0::2] == keys[1::2]).mean()
    expected = 0.6**ROWS
    assert abs(met - expected) < 4 * np.sqrt(expected * (1 - expected) / (pairs * BANDS))


def test_no_texts() -> None:
    assert band_keys(shingle(pa.array([], pa.string()))).shape == (0, BANDS)
