"""Near duplicates in numba: MinHash bands bring pairs together, true Jaccard similarity decides.

Broder, "On the resemblance and containment of documents" (1997); banding after Leskovec, Rajaraman and Ullman,
"Mining of Massive Datasets", chapter 3. Import late: numba is heavy.
"""

from __future__ import annotations

import numpy as np

from denoise.dedup.jit import compiled, mix

ALL_PAIRS = 64  # texts of a bucket up to which all are compared with all
LEADERS = 16, 128  # least and most texts of a larger bucket that all others are compared with
CROWD = 1 << 22  # pairs of a bucket at which leaders become fewer
_SEED = 20240
_FACTOR = np.uint64(0x9E3779B97F4A7C15)


def hash_functions(band: int, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Odd factors and shifts, uint32 [rows], of a band's permutations; fixed, so that all machines agree."""
    rng = np.random.default_rng([_SEED, band])
    factors = rng.integers(0, 2**31, rows).astype(np.uint32) * np.uint32(2) + np.uint32(1)
    return factors, rng.integers(0, 2**32, rows).astype(np.uint32)


@compiled
def band_keys(values: np.ndarray, starts: np.ndarray, factors: np.ndarray, shifts: np.ndarray) -> np.ndarray:
    """uint64 [n]: equal keys mean that all minima of the band agree. Sets as in `Shingles`."""
    keys = np.empty(len(starts) - 1, np.uint64)
    minima = np.empty(len(factors), np.uint32)
    for text in range(len(keys)):
        minima[:] = np.uint32(0xFFFFFFFF)
        for place in range(starts[text], starts[text + 1]):
            value = values[place]
            for row in range(len(factors)):
                hashed = np.uint32(value * factors[row] + shifts[row])  # numba would widen it
                if hashed < minima[row]:
                    minima[row] = hashed
        key = np.uint64(1)
        for row in range(len(factors)):
            key = mix(key * _FACTOR + np.uint64(minima[row]))
        keys[text] = key
    return keys


@compiled
def bucket_pairs(
    packed: np.ndarray, bits: int, settled: np.ndarray, begin: int, later: int, pairs: np.ndarray
) -> tuple[int, int, int, int]:
    """Fill `pairs` (int64 [most, 2]) with pairs of texts of one key, earlier text first.

    `packed` uint64, ascending: a key above, `bits` bits of text number below. Begins with the text at `later` of the
    bucket at `begin`. Returns how many pairs there are, the place to go on at (two numbers), and how many buckets
    begun here were cut: in one of more than ALL_PAIRS texts each is paired with the first ones only, the fewer the
    larger it is. Pairs of two `settled` texts (bool, of the first ones; no others are) are left out.
    """
    low = (np.uint64(1) << np.uint64(bits)) - np.uint64(1)
    found = 0
    cut = 0
    while begin < len(packed):
        end = begin + 1
        key = packed[begin] >> np.uint64(bits)
        while end < len(packed) and packed[end] >> np.uint64(bits) == key:
            end += 1
        leaders = end - begin
        if leaders > ALL_PAIRS:
            leaders = max(LEADERS[0], min(LEADERS[1], CROWD // leaders))
            cut += later == begin
        while later < end:
            if found + leaders > len(pairs):
                return found, begin, later, cut
            text = np.int64(packed[later] & low)
            old = text < len(settled) and settled[text]
            for earlier in range(begin, min(later, begin + leaders)):
                other = np.int64(packed[earlier] & low)
                if not (old and settled[other]):
                    pairs[found, 0], pairs[found, 1] = other, text
                    found += 1
            later += 1
        begin = end
    return found, begin, later, cut


@compiled
def similarities(
    pairs: np.ndarray,
    values_a: np.ndarray,
    starts_a: np.ndarray,
    first_a: int,
    values_b: np.ndarray,
    starts_b: np.ndarray,
    first_b: int,
    threshold: float,
) -> np.ndarray:
    """Jaccard similarity of each pair, float32; 0 where it is below the threshold.

    The sets of the pairs' left sides lie in a, whose first text has the number `first_a`, those of the right in b.
    """
    found = np.zeros(len(pairs), np.float32)
    for pair in range(len(pairs)):
        left, right = pairs[pair, 0] - first_a, pairs[pair, 1] - first_b
        one, one_end = starts_a[left], starts_a[left + 1]
        two, two_end = starts_b[right], starts_b[right + 1]
        total = one_end - one + two_end - two
        needed = np.int64(np.ceil(threshold / (1 + threshold) * total - 1e-9))
        shared = 0
        while one < one_end and two < two_end:
            if shared + min(one_end - one, two_end - two) < needed:
                break
            here, there = values_a[one], values_b[two]
            shared += here == there
            one += here <= there
            two += there <= here
        if shared >= needed and shared:
            found[pair] = shared / (total - shared)
    return found
