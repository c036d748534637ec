"""Comparing texts: pure functions on spans of shingle sets. What one band finds does not depend on the other bands."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from denoise.dedup.settings import DedupSettings
from denoise.dedup.texts import Shingles

ALL_PAIRS = 64  # texts of a bucket up to which all are compared with all
LEADERS = 128  # first texts of a larger bucket that all others are compared with
_AT_ONCE = 1 << 20  # pairs


@dataclass(frozen=True)
class Found:
    """Verified pairs (int64 [m, 2]) and similarities (float32 [m]); pairs compared, and buckets cut to LEADERS."""

    pairs: np.ndarray
    similar: np.ndarray
    compared: int
    cut: int


def compare_band(
    band: int, spans: Sequence[Callable[[], Shingles]], firsts: np.ndarray, old: int, settings: DedupSettings
) -> Found:
    """The duplicates among texts that `band` brings together.

    Text numbers from firsts[k] (int64 [spans + 1]) on lie in spans[k], which is loaded when wanted: two at a time are
    held. Texts below `old` are not compared with each other.
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
    pieces, compared, cut = [], 0, 0
    for pairs, crowded in _candidates(packed, bits, old):
        pieces += _verify(pairs, spans, firsts, settings.threshold)
        compared, cut = compared + len(pairs), cut + crowded
    empty = (np.zeros((0, 2), np.int64), np.zeros(0, np.float32))
    pairs, similar = zip(empty, *pieces, strict=True)
    return Found(np.concatenate(pairs), np.concatenate(similar), compared, cut)


def _candidates(packed: np.ndarray, bits: int, old: int) -> Iterator[tuple[np.ndarray, int]]:
    from denoise.dedup.banding import bucket_pairs

    begin = 0
    while begin < len(packed):
        pairs, begin, cut = bucket_pairs(packed, bits, old, begin, ALL_PAIRS, LEADERS, _AT_ONCE)
        yield pairs, cut


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
