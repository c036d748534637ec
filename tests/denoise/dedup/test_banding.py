from __future__ import annotations

import numpy as np
import pyarrow as pa

from denoise.dedup.banding import band_keys, bucket_pairs, hash_functions, similarities
from denoise.dedup.settings import DedupSettings
from denoise.dedup.texts import Shingles, read_texts

SETTINGS = DedupSettings()
BITS = 8


def keys_of(texts: list[str], band: int = 0) -> np.ndarray:
    shingles = read_texts(pa.array(texts), SETTINGS).shingles
    return band_keys(shingles.values, shingles.starts, *hash_functions(band, SETTINGS.rows))


def pairs_of(keys: list[int], old: int = 0, room: int = 1000) -> list[tuple[int, int]]:
    """Pairs of texts by their keys, collected in steps of `room`."""
    packed = np.sort(np.array([key << BITS | text for text, key in enumerate(keys)], np.uint64))
    into = np.empty((room, 2), np.int64)
    found: list[tuple[int, int]] = []
    begin = later = 0
    while begin < len(packed):
        count, begin, later, _ = bucket_pairs(packed, BITS, np.arange(4) < old, begin, later, into)
        found += map(tuple, into[:count].tolist())
    return found


def test_keys_depend_on_the_text_alone() -> None:
    alone, among = keys_of(["where is my card"]), keys_of(["x", "where is my card", "the desk is closed"])
    assert among[1] == alone[0] and among[2] != alone[0]
    assert keys_of(["where is my card"], 1)[0] != alone[0]


def test_keys_do_not_change_between_releases() -> None:
    shingles = Shingles(np.array([1, 2, 3], np.uint32), np.array([0, 3]))
    keys = [band_keys(shingles.values, shingles.starts, *hash_functions(band, 5))[0] for band in (0, 1)]
    assert [int(key) for key in keys] == [17434260264687745589, 12549297516141148471]


def test_bands_meet_as_often_as_theory_says() -> None:
    """Pairs of sets with 60 of 100 elements in common: a band of 5 minima agrees with probability .6 ** 5."""
    rng = np.random.default_rng(1)
    pairs, bands, rows = 400, 25, 5
    sets = []
    for _ in range(pairs):
        drawn = rng.choice(2**32, 100, replace=False).astype(np.uint32)
        sets += [np.sort(drawn[:80]), np.sort(np.concatenate([drawn[:60], drawn[80:]]))]
    values, starts = np.concatenate(sets), np.arange(2 * pairs + 1) * 80
    keys = np.stack([band_keys(values, starts, *hash_functions(band, rows)) for band in range(bands)])
    expected = 0.6**rows
    met = (keys[:, 0::2] == keys[:, 1::2]).mean()
    assert abs(met - expected) < 4 * np.sqrt(expected * (1 - expected) / (pairs * bands))


def test_pairs_of_a_band() -> None:
    wanted = [(0, 2), (0, 4), (1, 5), (2, 4)]
    assert sorted(pairs_of([7, 5, 7, 9, 7, 5])) == wanted
    assert pairs_of([]) == []


def test_old_texts_are_not_compared_with_each_other() -> None:
    assert sorted(pairs_of([7, 5, 7, 9, 7, 5], old=3)) == [(0, 4), (1, 5), (2, 4)]


def test_little_room_gives_the_same_pairs() -> None:
    keys = np.random.default_rng(0).integers(0, 9, 100).tolist()
    assert pairs_of(keys, room=30) == pairs_of(keys)


def test_a_crowded_bucket_is_cut() -> None:
    texts = 1000
    packed = np.arange(texts, dtype=np.uint64)
    into = np.empty((200_000, 2), np.int64)
    count, begin, _, cut = bucket_pairs(packed, 10, np.zeros(0, bool), 0, 0, into)
    assert (begin, cut) == (texts, 1)
    assert count == 128 * 127 // 2 + (texts - 128) * 128
    assert into[:count, 0].max() == 127 and (into[:count, 0] < into[:count, 1]).all()


def test_similarity_is_exact_and_nothing_below_the_threshold() -> None:
    values, starts = np.array([1, 2, 3, 4, 2, 3, 4, 5, 9], np.uint32), np.array([0, 4, 8, 9])
    pairs = np.array([[0, 1], [0, 2], [1, 1]])
    assert similarities(pairs, values, starts, 0, values, starts, 0, 0.6).tolist() == [np.float32(0.6), 0, 1]
    assert similarities(pairs, values, starts, 0, values, starts, 0, 0.61).tolist() == [0, 0, 1]
    other = values[4:], starts[1:] - 4, 1  # the right sides lie in another span, from text 1 on
    assert similarities(pairs[:2], values, starts, 0, *other, 0.1).tolist() == [np.float32(0.6), 0]
