"""Near duplicates: pairs that share a MinHash band, each verified by its true Jaccard similarity."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from denoise.dedup.shingles import Shingles

BUCKET_LEADERS = 256
_PAIRS_AT_ONCE = 50_000
_HALF = np.uint64(32)


def near_edges(bands: np.ndarray, shingles: Shingles, band: int, threshold: float) -> np.ndarray:
    """Verified duplicate pairs that `band` is the first to bring together.

    `bands` uint64 [n, BANDS] and `shingles` of the same n texts, in the total order. Returns int64 [edges, 2],
    earlier text first. The union over all bands holds each pair once.
    """
    pairs = band_pairs(bands[:, band])
    met_before = (bands[pairs[:, 0], :band] == bands[pairs[:, 1], :band]).any(axis=1)
    pairs = pairs[~met_before]
    return pairs[jaccard(shingles, pairs) >= threshold]


def band_pairs(keys: np.ndarray) -> np.ndarray:
    """Pairs of positions with an equal key (uint64 [n]), int64 [pairs, 2], earlier position first.

    In a bucket each text is paired with at most the BUCKET_LEADERS first ones: survivors stand early in the total
    order, and a bucket of m templated texts costs O(m) pairs instead of O(m²).
    """
    order = np.argsort(keys, kind="stable")
    opens = np.flatnonzero(np.append(True, keys[order][1:] != keys[order][:-1])) if len(keys) else order
    sizes = np.diff(np.append(opens, len(keys)))
    place = np.arange(len(keys)) - np.repeat(opens, sizes)
    leaders = np.minimum(place, BUCKET_LEADERS)
    later = np.repeat(np.arange(len(keys)), leaders)
    within = np.arange(len(later)) - np.repeat(np.cumsum(leaders) - leaders, leaders)
    earlier = np.repeat(np.repeat(opens, sizes), leaders) + within
    return np.column_stack([order[earlier], order[later]]).astype(np.int64)


def jaccard(shingles: Shingles, pairs: np.ndarray) -> np.ndarray:
    """True Jaccard similarity of each pair (int64 [pairs, 2]) of texts, float64 [pairs]."""
    shared = [np.zeros(0, np.int64), *(_shared(shingles, chunk) for chunk in _chunks(pairs))]
    common = np.concatenate(shared)
    return common / (shingles.sizes[pairs].sum(axis=1) - common)


def _shared(shingles: Shingles, pairs: np.ndarray) -> np.ndarray:
    """Shingles that both texts of a pair hold: those that occur twice when the two sets are laid side by side."""
    texts = pairs.ravel()
    sizes = shingles.sizes[texts]
    offsets = np.repeat(shingles.starts[texts] - (np.cumsum(sizes) - sizes), sizes) + np.arange(sizes.sum())
    pair = np.repeat(np.repeat(np.arange(len(pairs), dtype=np.uint64), 2), sizes)
    keys = np.sort((pair << _HALF) | shingles.values[offsets])
    twice = keys[1:][keys[1:] == keys[:-1]]
    return np.bincount((twice >> _HALF).astype(np.int64), minlength=len(pairs))


def _chunks(pairs: np.ndarray) -> Iterator[np.ndarray]:
    for start in range(0, len(pairs), _PAIRS_AT_ONCE):
        yield pairs[start : start + _PAIRS_AT_ONCE]
