"""Near duplicates in numba: MinHash bands bring pairs together, true Jaccard similarity decides.

Broder, "On the resemblance and containment of documents" (1997); banding after Leskovec, Rajaraman and Ullman,
"Mining of Massive Datasets", chapter 3. Import late: numba is heavy.
"""

from __future__ import annotations

import numpy as np

from denoise.dedup.jit import compiled, mix

_SEED = 20240
_FACTOR = np.uint64(0x9E3779B97F4A7C15)


def hash_functions(band: int, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Odd factors and shifts, uint32 [rows], of a band's permutations; fixed, so that all machines agree."""
    rng = np.random.default_rng([_SEED, band])
    factors = rng.integers(0, 2**31, rows).astype(np.uint32) * np.uint32(2) + np.uint32(1)
    return factors, rng.integers(0, 2**32, rows).astype(np.uint32)


@compiled
def band_keys(values, starts, factors, shifts):
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
def bucket_pairs(packed, bits, old, begin, all_pairs, leaders, most):
    """Pairs of texts with one key, from the bucket that starts at `begin` on, until they are `most` or more.

    `packed` uint64, ascending: a key above, `bits` bits of text number below. Returns int64 [pairs, 2] (earlier text
    first), where to go on, and how many buckets were cut. Pairs of texts below `old` are left out. In a bucket of more
    than `all_pairs` texts each is paired with its first `leaders` only.
    """
    low = (np.uint64(1) << np.uint64(bits)) - np.uint64(1)
    pairs = np.empty((most + max(all_pairs * all_pairs, 1), 2), np.int64)
    found = 0
    cut = 0
    while begin < len(packed) and found < most:
        end = begin + 1
        key = packed[begin] >> np.uint64(bits)
        while end < len(packed) and packed[end] >> np.uint64(bits) == key:
            end += 1
        crowded = end - begin > all_pairs
        cut += crowded
        for later in range(begin + 1, end):
            last = min(later, begin + leaders) if crowded else later
            if np.int64(packed[later] & low) < old:
                continue
            if found + last - begin > len(pairs):
                grown = np.empty((2 * len(pairs) + last - begin, 2), np.int64)
                grown[:found] = pairs[:found]
                pairs = grown
            for earlier in range(begin, last):
                pairs[found, 0] = np.int64(packed[earlier] & low)
                pairs[found, 1] = np.int64(packed[later] & low)
                found += 1
        begin = end
    return pairs[:found], begin, cut


@compiled
def similarities(pairs, values_a, starts_a, first_a, values_b, starts_b, first_b, threshold):
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
