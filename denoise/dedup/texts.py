"""Texts as the kernel reads them: Arrow buffers in, hashes and shingle sets out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from denoise.dedup.letters import letter_table
from denoise.dedup.settings import DedupSettings
from denoise.normal import normalise


@dataclass(frozen=True)
class Shingles:
    """The shingle sets of n texts, one after the other.

    `values` uint32 [total], ascending and distinct within a text; `starts` int64 [n + 1]: text i owns
    `values[starts[i]:starts[i + 1]]`, which is never empty.
    """

    values: np.ndarray
    starts: np.ndarray

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def sizes(self) -> np.ndarray:
        """Distinct shingles of each text, int64 [n]."""
        return np.diff(self.starts)

    def take(self, places: np.ndarray) -> Shingles:
        """The sets at `places`, in that order."""
        sizes = self.sizes[places]
        starts = np.append(0, np.cumsum(sizes))
        offsets = np.repeat(self.starts[places] - starts[:-1], sizes) + np.arange(starts[-1])
        return Shingles(self.values[offsets], starts)


@dataclass(frozen=True)
class Reading:
    """What the kernel read off n texts: `hashes` of their normal forms, uint64 [n, 2], and their shingles."""

    hashes: np.ndarray
    shingles: Shingles


def read_texts(texts: pa.Array | pa.ChunkedArray, settings: DedupSettings) -> Reading:
    """Read texts (null is empty). Where a code point needs its neighbours, a text goes a slower way to the same end."""
    from denoise.dedup.kernel import hard_rows, sketch_rows

    by_words = settings.shingle == "words"
    texts = _plain(texts)
    data, offsets = buffers_of(texts)
    letters = letter_table()
    hard = hard_rows(data, offsets, letters)
    normal, places = buffers_of(_plain(normalise(texts.filter(pa.array(hard)))))
    hashes, values, starts = sketch_rows(data, offsets, hard, normal, places, letters, by_words, settings.ngram)
    return Reading(hashes, Shingles(values, starts))


def buffers_of(texts: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """Bytes (uint8) and offsets (int64 [n + 1]) of a large_string or large_binary array, without a copy."""
    _, offsets, data = texts.buffers()
    if offsets is None or not len(texts):
        return np.zeros(1, np.uint8), np.zeros(len(texts) + 1, np.int64)
    places = np.frombuffer(offsets, np.int64)[texts.offset : texts.offset + len(texts) + 1]
    return (np.frombuffer(data, np.uint8) if data is not None and data.size else np.zeros(1, np.uint8)), places


def _plain(texts: pa.Array | pa.ChunkedArray) -> pa.Array:
    """As large_string in one piece, without nulls."""
    texts = pc.fill_null(texts.cast(pa.large_string()), "")
    if isinstance(texts, pa.ChunkedArray):
        texts = pa.concat_arrays(texts.chunks) if texts.num_chunks else pa.array([], pa.large_string())
    return texts
