"""Rows dealt out to train, validation and test so that what belongs together lies on one side."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa


def families(texts: Sequence[str], links: Sequence[tuple[int, int]], threshold: float) -> np.ndarray:
    """For each text the number of its family, int64 [n]: families are joined by near duplicates and by `links`.

    Texts are near duplicates from a Jaccard similarity of `threshold` on. Families are the connected components: two
    members may be less alike than that.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    from denoise.dedup.compare import compare
    from denoise.dedup.texts import read_texts
    from denoise.sketch import near_settings

    settings = near_settings(threshold)
    near = compare(read_texts(pa.array(texts, pa.string()), settings).shingles, settings)
    edges = np.concatenate([near, np.array(links, np.int64).reshape(-1, 2)])
    graph = coo_array((np.ones(len(edges), np.int8), (edges[:, 0], edges[:, 1])), shape=(len(texts), len(texts)))
    return connected_components(graph, directed=False)[1].astype(np.int64)


def deal(labels: Sequence[str], family: np.ndarray, shares: Sequence[float], seed: int) -> np.ndarray:
    """For each row the number of its side, int64 [n]; a family lies on one side, each label in `shares` on all.

    Families go out one by one, the largest first and equal ones in random order, each to the side where it brings its
    labels, and then the whole, nearest to their shares (after iterative stratification, Sechidis et al. 2011).
    """
    names, places = np.unique(np.asarray(labels, str), return_inverse=True)
    totals = np.append(np.bincount(places, minlength=len(names)), len(labels))  # the last: all labels together
    wanted = np.outer(shares, totals)
    have = np.zeros_like(wanted)
    members = _members(family)
    order = np.random.default_rng(seed).permutation(len(members))
    order = order[np.argsort([-len(members[place]) for place in order], kind="stable")]
    sides = np.zeros(len(labels), np.int64)
    for place in order:
        rows = members[place]
        carried, counts = np.unique(places[rows], return_counts=True)
        carried, counts = np.append(carried, len(names)), np.append(counts, len(rows))
        cost = (counts * (2 * (have[:, carried] - wanted[:, carried]) + counts) / totals[carried]).sum(axis=1)
        side = int(cost.argmin())
        have[side, carried] += counts
        sides[rows] = side
    return sides


def _members(family: np.ndarray) -> list[np.ndarray]:
    """Places of each family's rows, ascending."""
    order = np.argsort(family, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(family[order])) + 1) if len(family) else []
