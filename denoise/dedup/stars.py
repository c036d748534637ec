"""Connected components beyond one process: forests and stars, pure functions on one partition's links.

A link is a text and an earlier one of its component, int64 [m, 2], later text first; it lies in the partition that the
later text's number hashes to. Each partition reduces what it has to a spanning forest of stars, and then alternately
links texts to the earliest parent of their parents (large star) and to the earliest that they hang together with
locally (small star): Kiveris, Lattanzi, Mirrokni, Rastogi and Vassilvitskii, "Connected Components in MapReduce and
Beyond" (2014). There the small star is that of one text; here a partition's links are all used at once, and the large
star asks for a parent's parent instead of sending links to the parent, so that no text is a crowd anywhere: a
partition is sent each text once by each partition at most. Every step keeps what hangs together and never raises the
sum of the links' texts, which falls until all links are stars around the first text of their component.
"""

from __future__ import annotations

import itertools

import numpy as np

from denoise.dedup.components import least_of_components
from denoise.dedup.kernel import mix_all


def partition_of(texts: np.ndarray, parts: int) -> np.ndarray:
    """The partition of each text number (int64 [n]), by its hash; int64 [n]."""
    return (mix_all(texts.astype(np.uint64)) % np.uint64(parts)).astype(np.int64)


def split(values: np.ndarray, partitions: np.ndarray, parts: int) -> list[np.ndarray]:
    """The values of each of `parts` partitions, in their order."""
    order = np.argsort(partitions, kind="stable")
    ends = np.searchsorted(partitions[order], np.arange(parts + 1))
    ordered = values[order]
    return [ordered[begin:end] for begin, end in itertools.pairwise(ends)]


def small_star(links: np.ndarray) -> np.ndarray:
    """A spanning forest of stars: each text of `links` with the first one that it hangs together with, by text."""
    texts, places = np.unique(links, return_inverse=True)
    least = least_of_components(len(texts), places.reshape(-1, 2))
    later = np.flatnonzero(least != np.arange(len(texts)))
    return np.column_stack([texts[later], texts[least[later]]])


def gather(pieces: list[np.ndarray]) -> np.ndarray:
    """Links that came in pieces, each once, by text and then by parent."""
    links = np.concatenate([np.zeros((0, 2), np.int64), *pieces])
    links = links[np.lexsort((links[:, 1], links[:, 0]))]
    once = np.append(True, (links[1:] != links[:-1]).any(axis=1))[: len(links)]
    return links[once]


def is_forest(links: np.ndarray) -> bool:
    """Whether no text of gathered links has two parents."""
    return bool((links[1:, 0] != links[:-1, 0]).all())


def parents_asked(links: np.ndarray, parts: int) -> list[np.ndarray]:
    """The distinct parents of links, ascending, by the partition that knows theirs."""
    parents = np.unique(links[:, 1])
    return split(parents, partition_of(parents, parts), parts)


def first_parents(links: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """The first parent of each text asked for, by the gathered links of its partition; itself where it has none."""
    if not len(links):
        return asked
    place = np.minimum(np.searchsorted(links[:, 0], asked), len(links) - 1)
    return np.where(links[place, 0] == asked, links[place, 1], asked)


def large_star(links: np.ndarray, asked: list[np.ndarray], told: list[np.ndarray]) -> np.ndarray:
    """Links to the first parents of their parents: `told` of those that were `asked` for."""
    parents, first = np.concatenate(asked), np.concatenate(told)
    order = np.argsort(parents)
    place = np.searchsorted(parents, links[:, 1], sorter=order)
    return np.column_stack([links[:, 0], first[order[place]]])
