"""Texts as sets of hashed shingles: every run of five characters.

On texts of a sentence or two, runs of five characters find more edited copies than word bigrams do, and unlike single
words they do not join questions that merely share their subject.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

WIDTH = 5
_MARGIN = " " * (WIDTH // 2)  # so that even a text of one character fills a shingle, and word ends count
_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_HALF = np.uint64(32)


@dataclass(frozen=True)
class Shingles:
    """The shingle sets of n texts, one after the other.

    `values` uint32 [total], ascending and distinct within a text; `starts` int64 [n + 1]: text i owns
    `values[starts[i]:starts[i + 1]]`, which is never empty.
    """

    values: np.ndarray
    starts: np.ndarray

    @property
    def sizes(self) -> np.ndarray:
        """Distinct shingles of each text, int64 [n]."""
        return np.diff(self.starts)


def shingle(normal: pa.Array) -> Shingles:
    """Shingles of normalised texts [n], equal in every process; the empty text gets one shingle of its own."""
    padded = [f"{_MARGIN}{text or chr(0)}{_MARGIN}" for text in normal.to_pylist()]
    lengths = np.fromiter(map(len, padded), np.int64, len(padded))
    windows = lengths - WIDTH + 1
    owners = np.repeat(np.arange(len(padded), dtype=np.int64), windows)
    gaps = WIDTH - 1  # windows that would reach into the next text, after each text
    chosen = np.arange(len(owners)) + owners * gaps
    return _distinct(owners, _hash_windows("".join(padded))[chosen], len(padded))


def _hash_windows(text: str) -> np.ndarray:
    """uint64 below 2**32 for each run of WIDTH characters of one long text."""
    codes = np.frombuffer(text.encode("utf-32-le"), np.uint32).astype(np.uint64)
    runs = max(len(codes) - WIDTH + 1, 0)
    hashes = np.zeros(runs, np.uint64)
    for offset in range(WIDTH):
        hashes = (hashes ^ codes[offset : offset + runs]) * _FACTOR
        hashes ^= hashes >> _HALF
    return hashes >> _HALF


def _distinct(owners: np.ndarray, hashes: np.ndarray, texts: int) -> Shingles:
    keys = np.sort((owners.astype(np.uint64) << _HALF) | hashes)
    keys = keys[np.append(True, keys[1:] != keys[:-1])] if len(keys) else keys
    starts = np.searchsorted(keys, np.arange(texts + 1, dtype=np.uint64) << _HALF)
    return Shingles(keys.astype(np.uint32), starts.astype(np.int64))
