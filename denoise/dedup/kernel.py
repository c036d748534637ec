"""The hot loop of deduplication over Arrow's own buffers: normal form, hash and shingles of each text in one go.

Compiled by numba at first use and kept in the user's cache, so import this late. Texts are UTF-8 bytes and
offsets, as Arrow lays them out; no Python object is made for a text.
"""

from __future__ import annotations

import numpy as np

from denoise.dedup.jit import compiled, mix
from denoise.dedup.letters import COVERED, HARD, SEPARATES, VANISHES

_FNV, _BASIS = np.uint64(0x100000001B3), np.uint64(0xCBF29CE484222325)
_SECOND = np.uint64(0x9E3779B97F4A7C15)
_SPACE = np.uint8(32)


@compiled
def _point(data: np.ndarray, place: int, first: int) -> tuple[int, int]:
    """Code point and length of the UTF-8 sequence at `place` that starts with `first`, which is not ASCII."""
    if first < 0xE0:
        return ((first & 0x1F) << 6) | (data[place + 1] & 0x3F), 2
    if first < 0xF0:
        return ((first & 0x0F) << 12) | ((data[place + 1] & 0x3F) << 6) | (data[place + 2] & 0x3F), 3
    high = ((first & 0x07) << 18) | ((data[place + 1] & 0x3F) << 12)
    return high | ((data[place + 2] & 0x3F) << 6) | (data[place + 3] & 0x3F), 4


@compiled
def hard_rows(data: np.ndarray, offsets: np.ndarray, letters: np.ndarray) -> np.ndarray:
    """Which texts hold a code point that the table does not decide, bool [n]."""
    found = np.zeros(len(offsets) - 1, np.bool_)
    for row in range(len(found)):
        place, end = offsets[row], offsets[row + 1]
        while place < end:
            first = np.int64(data[place])
            if first < 0x80:
                place += 1
                continue
            point, length = _point(data, place, first)
            if point >= COVERED or letters[point] == HARD:
                found[row] = True
                break
            place += length
    return found


@compiled
def _normalise(data: np.ndarray, place: int, end: int, letters: np.ndarray, out: np.ndarray) -> int:
    """Put the normal form of an easy text into `out`; returns its bytes."""
    size = 0
    parted = False
    while place < end:
        first = np.int64(data[place])
        length = 1
        point = first
        if first >= 0x80:
            point, length = _point(data, place, first)
        place += length
        letter = np.int64(letters[point])
        if letter == SEPARATES:
            parted = True
            continue
        if letter == VANISHES:
            continue
        if parted:
            if size:
                out[size] = _SPACE
                size += 1
            parted = False
        if letter < 0x80:
            out[size] = letter
            size += 1
        elif letter < 0x800:
            out[size] = 0xC0 | (letter >> 6)
            out[size + 1] = 0x80 | (letter & 0x3F)
            size += 2
        else:
            out[size] = 0xE0 | (letter >> 12)
            out[size + 1] = 0x80 | ((letter >> 6) & 0x3F)
            out[size + 2] = 0x80 | (letter & 0x3F)
            size += 3
    return size


@compiled
def _hash(text: np.ndarray, start: int, end: int) -> tuple[np.uint64, np.uint64]:
    """Two independent 64-bit hashes of a run of bytes."""
    one, two = _BASIS, _SECOND
    for place in range(start, end):
        byte = np.uint64(text[place])
        one = (one ^ byte) * _FNV
        two = (two + byte + np.uint64(1)) * _SECOND
        two ^= two >> np.uint64(29)
    length = np.uint64(end - start)
    return mix(one + length), mix(two ^ length)


@compiled
def _words(text: np.ndarray, start: int, end: int, longest: int, out: np.ndarray, size: int) -> int:
    """Append the hashes of all runs of 1 to `longest` words; returns the new size."""
    recent = np.zeros(longest, np.uint64)
    words = 0
    place = start
    while place < end:
        word = _BASIS
        while place < end and text[place] != _SPACE:
            word = (word ^ np.uint64(text[place])) * _FNV
            place += 1
        place += 1
        recent[words % longest] = mix(word)
        words += 1
        run = np.uint64(0)
        for back in range(min(words, longest)):
            run = mix(run * _SECOND + recent[(words - 1 - back) % longest])
            out[size] = run >> np.uint64(32)
            size += 1
    return size


@compiled
def _characters(text: np.ndarray, start: int, end: int, width: int, out: np.ndarray, size: int) -> int:
    """Append the hashes of all runs of `width` characters, with half as many blanks put around the text."""
    margin = width // 2
    recent = np.full(width, np.uint64(32), np.uint64)
    seen = margin
    place = start
    after = 0
    while place < end or after < margin:
        point = np.int64(32)
        if place < end:
            point = np.int64(text[place])
            length = 1
            if point >= 0x80:
                point, length = _point(text, place, point)
            place += length
        else:
            after += 1
        recent[seen % width] = np.uint64(point)
        seen += 1
        if seen >= width:
            run = np.uint64(0)
            for back in range(width):
                run = (run + recent[(seen - width + back) % width]) * _SECOND
                run ^= run >> np.uint64(32)
            out[size] = mix(run) >> np.uint64(32)
            size += 1
    return size


@compiled
def _sort_distinct(values: np.ndarray, start: int, end: int) -> int:
    """Sort values[start:end] (Shell's way: most sets are small) and drop what is repeated; returns the new end."""
    gap = 1
    while gap < (end - start) // 9:
        gap = 3 * gap + 1
    while gap:
        for place in range(start + gap, end):
            value = values[place]
            hole = place
            while hole >= start + gap and values[hole - gap] > value:
                values[hole] = values[hole - gap]
                hole -= gap
            values[hole] = value
        gap //= 3
    last = start
    for place in range(start + 1, end):
        if values[place] != values[last]:
            last += 1
            values[last] = values[place]
    return last + 1


@compiled
def sketch_rows(
    data: np.ndarray,
    offsets: np.ndarray,
    hard: np.ndarray,
    normal: np.ndarray,
    places: np.ndarray,
    letters: np.ndarray,
    by_words: bool,
    ngram: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Hashes (uint64 [n, 2]) and shingle sets (uint32 values, int64 starts [n + 1]) of n texts.

    A text with `hard` set is taken, in normal form, from `normal` at places[k:k + 2], k counting such texts.
    """
    rows = len(hard)
    longest = 1
    bound = 0
    hard_seen = 0
    for row in range(rows):
        size = offsets[row + 1] - offsets[row]
        if hard[row]:
            size = places[hard_seen + 1] - places[hard_seen]
            hard_seen += 1
        longest = max(longest, size)
        bound += (ngram * (size + 1) // 2 + ngram) if by_words else size + ngram
    scratch = np.empty(longest, np.uint8)
    values = np.empty(bound + ngram + longest * ngram, np.uint32)
    hashes = np.empty((rows, 2), np.uint64)
    starts = np.zeros(rows + 1, np.int64)
    hard_seen = 0
    for row in range(rows):
        if hard[row]:
            text, first, end = normal, places[hard_seen], places[hard_seen + 1]
            hard_seen += 1
        else:
            text, first = scratch, np.int64(0)
            end = np.int64(_normalise(data, offsets[row], offsets[row + 1], letters, scratch))
        hashes[row, 0], hashes[row, 1] = _hash(text, first, end)
        begin = starts[row]
        if end == first:
            values[begin] = 0
            starts[row + 1] = begin + 1
            continue
        if by_words:
            size = _words(text, first, end, ngram, values, begin)
        else:
            size = _characters(text, first, end, ngram, values, begin)
        starts[row + 1] = _sort_distinct(values, begin, size)
    return hashes, values[: starts[rows]].copy(), starts


@compiled
def hash_runs(data: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Two independent hashes, uint64 [n, 2], of n runs of bytes as they are."""
    hashes = np.empty((len(offsets) - 1, 2), np.uint64)
    for row in range(len(hashes)):
        hashes[row, 0], hashes[row, 1] = _hash(data, offsets[row], offsets[row + 1])
    return hashes


@compiled
def mix_all(values: np.ndarray) -> np.ndarray:
    """Each of uint64 [n] mixed: distinct ones stay distinct."""
    mixed = np.empty_like(values)
    for place in range(len(values)):
        mixed[place] = mix(values[place])
    return mixed


@compiled
def copy_sets(
    values: np.ndarray,
    starts: np.ndarray,
    places: np.ndarray,
    targets: np.ndarray,
    into: np.ndarray,
    into_starts: np.ndarray,
) -> None:
    """Copy the sets at `places` to the sets numbered `targets` of another layout, whose starts are known."""
    for each in range(len(places)):
        begin = starts[places[each]]
        goal = into_starts[targets[each]]
        for step in range(starts[places[each] + 1] - begin):
            into[goal + step] = values[begin + step]
