"""Comparing texts: pure functions on spans of shingle sets. What one band finds does not depend on the other bands."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from denoise.dedup.settings import BANDS, DedupSettings
from denoise.dedup.texts import Shingles

_AT_ONCE = 1 << 20  # pairs; more than a bucket's leaders


@dataclass(frozen=True)
class Found:
    """Verified pairs (int64 [m, 2]), similarities (float32 [m]); pairs compared, and crowded buckets that were cut."""

    pairs: np.ndarray
    similar: np.ndarray
    compared: int
    cut: int


def compare(shingles: Shingles, settings: DedupSettings, old: int = 0) -> np.ndarray:
    """All duplicates among texts that one process can hold, int64 [m, 2], each pair once, by its texts.

    The first `old` ones are not compared with each other.
    """
    firsts, settled = np.array([0, len(shingles)]), np.ones(old, bool)
    found = [compare_band(band, [lambda: shingles], firsts, settled, settings).pairs for band in range(BANDS)]
    return np.unique(np.concatenate(found), axis=0)


def compare_band(
    band: int, spans: Sequence[Callable[[], Shingles]], firsts: np.ndarray, settled: np.ndarray, settings: DedupSettings
) -> Found:
    """The duplicates among texts that `band` brings together.

    Text numbers from firsts[k] (int64 [spans + 1]) on lie in spans[k], which is loaded when wanted: two at a time are
    held. The first texts are `settled` or not (bool; those that it does not reach are not): two settled ones are not
    compared.
    """
    from denoise.dedup.banding import band_keys, hash_functions

    texts = int(firsts[-1])
    bits = max(texts.bit_length(), 1)
    packed = np.empty(texts, np.uint64)
    for load, first, end in zip(spans, firsts[:-1], firsts[1:], strict=True):
        span = load()
        keys = band_keys(span.values, span.starts, *hash_functions(band, settings.rows))
        packed[first:end] = (keys >> np.uint64(bits) << np.uint64(bits)) | np.arange(first, end, dtype=np.uint64)
    packed.sort()
    pieces: list[tuple[np.ndarray, np.ndarray]] = [(np.zeros((0, 2), np.int64), np.zeros(0, np.float32))]
    compared = cut = 0
    for pairs, crowded in _candidates(packed, bits, settled):
        pieces += _verify(pairs, spans, firsts, settings.threshold)
        compared, cut = compared + len(pairs), cut + crowded
    found, similar = zip(*pieces, strict=True)
    return Found(np.concatenate(found), np.concatenate(similar), compared, cut)


def _candidates(packed: np.ndarray, bits: int, settled: np.ndarray) -> Iterator[tuple[np.ndarray, int]]:
    from denoise.dedup.banding import ALL_PAIRS, bucket_pairs

    begin = later = 0
    pairs = np.empty((min(_AT_ONCE, ALL_PAIRS * len(packed)), 2), np.int64)
    while begin < len(packed):
        count, begin, later, cut = bucket_pairs(packed, bits, settled, begin, later, pairs)
        yield pairs[:count], cut


def _verify(
    pairs: np.ndarray, spans: Sequence[Callable[[], Shingles]], firsts: np.ndarray, threshold: float
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The pairs that are duplicates, with their similarities, one pair of spans after the other."""
    from denoise.dedup.banding import similarities

    left, right = np.searchsorted(firsts, pairs[:, 0], "right") - 1, np.searchsorted(firsts, pairs[:, 1], "right") - 1
    for one in np.unique(left):
        a = spans[one]()
        for two in np.unique(right[left == one]):
            b = a if two == one else spans[two]()
            some = pairs[(left == one) & (right == two)]
            similar = similarities(some, a.values, a.starts, firsts[one], b.values, b.starts, firsts[two], threshold)
            yield some[similar > 0], similar[similar > 0]
