"""Rows and edges in shares, each of which holds whole components: pure functions, one share at a time.

What decides on a row lies in its component, so that shares may be decided on apart, with the same result.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from denoise.dedup.edges import Edges, join_edges
from denoise.dedup.standing import Chosen, Standing, judge
from denoise.dedup.stars import partition_of, split

EDGE = np.dtype([("earlier", np.int64), ("later", np.int64), ("similar", np.float32)])
ROW = np.dtype([("rank", np.int64), ("text", np.int64), ("label", np.uint64), ("copies", np.int64)])

Share = tuple[np.ndarray, np.ndarray]  # EDGE and ROW


def split_edges(edges: Edges, parts: int) -> list[np.ndarray]:
    """Edges (EDGE) by the partitions of their later texts, which do not crowd: few are brought together with many."""
    table = np.empty(len(edges.pairs), EDGE)
    table["earlier"], table["later"], table["similar"] = *edges.pairs.T, edges.similar
    return split(table, partition_of(edges.pairs[:, 1], parts), parts)


def split_rows(rows: Chosen, parts: int) -> list[np.ndarray]:
    """Rows (ROW) by the partitions of their texts."""
    table = np.empty(len(rows.rank), ROW)
    table["rank"], table["text"], table["label"], table["copies"] = rows.rank, rows.text, rows.label, rows.copies
    return split(table, partition_of(rows.text, parts), parts)


def joined(pieces: Sequence[np.ndarray], texts: int) -> np.ndarray:
    """Edges (EDGE) found in several bands, each once, by the later text and then the earlier."""
    edges = join_edges([(_pairs(each), each["similar"]) for each in pieces], texts)
    return split_edges(edges, 1)[0]


def links_of(edges: np.ndarray) -> np.ndarray:
    """The links (stars.py) that edges are."""
    return np.column_stack([edges["later"], edges["earlier"]])


def route(part: int, parts: int, edges: np.ndarray, stars: np.ndarray, rows: Sequence[np.ndarray]) -> list[Share]:
    """Of partition `part`, what each share is given, which its component's first text hashes to.

    `stars` are the partition's settled links. The rows of a text without a link, which is the first of its component
    or has no edge, stay in the partition's own share.
    """
    first = partition_of(stars[:, 1], parts)
    those = np.concatenate([np.zeros(0, ROW), *rows])
    place = np.minimum(np.searchsorted(stars[:, 0], those["text"]), max(len(stars) - 1, 0))
    share = np.full(len(those), part)
    if len(stars):
        share = np.where(stars[place, 0] == those["text"], first[place], part)
    edges_of = split(edges, first[np.searchsorted(stars[:, 0], edges["later"])], parts)
    return list(zip(edges_of, split(those, share, parts), strict=True))


def judge_share(old: int, old_texts: int, pieces: Sequence[Share]) -> Standing:
    """Decide on a share. The first `old` ranks and `old_texts` text numbers are an index's."""
    edges, rows = (np.concatenate(each) for each in zip(*pieces, strict=True))
    edges = edges[np.lexsort((edges["earlier"], edges["later"]))]
    rows = rows[np.argsort(rows["rank"])]
    texts, text = np.unique(rows["text"], return_inverse=True)
    pairs = np.searchsorted(texts, _pairs(edges))
    names = ("rank", "label", "copies")
    rank, label, copies = (np.ascontiguousarray(rows[name]) for name in names)
    near = Edges(pairs, np.ascontiguousarray(edges["similar"]))
    old_rows, firsts = int(np.searchsorted(rank, old)), int(np.searchsorted(texts, old_texts))
    return judge(Chosen(rank, text, label, copies), len(texts), near, old_rows, firsts)


def _pairs(edges: np.ndarray) -> np.ndarray:
    return np.column_stack([edges["earlier"], edges["later"]])
