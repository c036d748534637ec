"""Semantic duplicates: texts whose embeddings are alike, however they are worded.

Vectors are put into buckets around pivots drawn from among them and compared within the buckets nearest to them, as in
an inverted file (Jégou, Douze and Schmid, "Product quantization for nearest neighbor search", 2011), but exactly. Up to
FEW vectors all are compared with all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

FEW = 4096
BUCKET = 512  # vectors in a bucket, in the mean
PROBES = 8  # buckets in which a vector is looked for
MEMBERS = 8 * BUCKET  # of a crowded bucket so many are compared with, the first ones in the total order
MATCHES = 64  # of a vector that are kept, the earliest: those are likeliest to stand
MOST_ALIKE = 0.98  # no label's threshold is above this: what is more alike says the same
_CELLS = 4_000_000  # similarities held at once


def semantic_edges(vectors: np.ndarray, least: np.ndarray) -> np.ndarray:
    """Pairs whose cosine similarity reaches what both ask for, int64 [m, 2], earlier text first, ascending.

    `vectors` float32 [n, d] of length 1 in the total order, `least` float [n]. Beyond FEW vectors a few pairs may be
    missed, and of a text's matches all but MATCHES.
    """
    found = edges_of_buckets(vectors, least, buckets_of(vectors), range(bucket_count(len(vectors))))
    return np.unique(found, axis=0)


def bucket_count(texts: int) -> int:
    """In how many buckets so many texts are compared."""
    return 1 if texts <= FEW else -(-texts // BUCKET)


def buckets_of(vectors: np.ndarray) -> np.ndarray:
    """The buckets nearest to each vector, int32 [n, up to PROBES]: its own first, the others in no certain order."""
    count = bucket_count(len(vectors))
    pivots = vectors[np.random.default_rng(0).permutation(len(vectors))[:count]]
    probes = min(PROBES, count)
    visited = np.zeros((len(vectors), probes), np.int32)
    step = max(1, _CELLS // count)
    for start in range(0, len(vectors), step):
        similar = vectors[start : start + step] @ pivots.T
        nearest = np.argpartition(-similar, probes - 1, axis=1)[:, :probes]
        own = np.take_along_axis(similar, nearest, axis=1).argmax(axis=1)
        rows = np.arange(len(nearest))
        nearest[rows, own], nearest[rows, 0] = nearest[rows, 0], nearest[rows, own]
        visited[start : start + step] = nearest
    return visited


def edges_of_buckets(vectors: np.ndarray, least: np.ndarray, visited: np.ndarray, buckets: Iterable[int]) -> np.ndarray:
    """Edges within some of the buckets, int64 [m, 2]; those of all buckets hold a pair up to twice."""
    return np.concatenate([edges_of_bucket(vectors, least, visited, bucket) for bucket in buckets])


def edges_of_bucket(vectors: np.ndarray, least: np.ndarray, visited: np.ndarray, bucket: int) -> np.ndarray:
    """The edges between those whose own bucket this is and those that are looked for in it; int64 [m, 2]."""
    members = np.flatnonzero(visited[:, 0] == bucket)[:MEMBERS]
    visitors = np.flatnonzero((visited == bucket).any(axis=1))
    found = np.zeros((0, 2), np.int64)
    step = max(1, _CELLS // max(1, len(members)))
    for start in range(0, len(visitors), step):
        rows = visitors[start : start + step]
        alike = vectors[rows] @ vectors[members].T >= np.maximum(least[rows][:, None], least[members])
        back = _first(alike & (members < rows[:, None]), axis=1)  # each to earlier ones
        ahead = _first(alike & (members > rows[:, None]), axis=0)  # and later ones to it
        pairs = [
            np.column_stack([members[back[1]], rows[back[0]]]),
            np.column_stack([rows[ahead[0]], members[ahead[1]]]),
        ]
        found = _earliest(np.concatenate([found, *pairs]), len(vectors))
    return found


def _first(chosen: np.ndarray, axis: int) -> tuple[np.ndarray, ...]:
    """Where the first MATCHES of `chosen` along an axis are; most buckets have fewer."""
    if np.count_nonzero(chosen) > MATCHES:
        chosen &= np.cumsum(chosen, axis=axis, dtype=np.int32) <= MATCHES
    return np.nonzero(chosen)


def _earliest(edges: np.ndarray, texts: int) -> np.ndarray:
    """Of each later text the MATCHES earliest edges, each once."""
    later, earlier = np.divmod(np.unique(edges[:, 1] * texts + edges[:, 0]), max(1, texts))
    place = np.arange(len(later)) - np.searchsorted(later, later)
    return np.column_stack([earlier, later])[place < MATCHES]


def label_thresholds(vectors: np.ndarray, labels: Sequence[str | None], least: float) -> Mapping[str | None, float]:
    """From which similarity two rows of a label are duplicates: `least`, or more where its own seeds are more alike.

    `vectors` and `labels` are the seeds'. A label's threshold lies just above the similarity of its two seeds that are
    most alike, so that what people wrote as different examples counts as different; up to MOST_ALIKE.
    """
    similar = vectors @ vectors.T
    np.fill_diagonal(similar, -1)
    names = np.array(labels, object)
    found = dict[str | None, float]()
    for label in dict.fromkeys(labels):
        own = names == label
        closest = float(similar[np.ix_(own, own)].max())
        found[label] = max(least, min(MOST_ALIKE, np.nextafter(np.float32(closest), np.float32(1))))
    return found
