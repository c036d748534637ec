"""Decisions in parts are those of one process."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from denoise.dedup.compare import Found
from denoise.dedup.deciding import array_bytes, decide_apart, decide_rows
from denoise.dedup.groups import first_equal
from denoise.dedup.places import Here
from denoise.dedup.roster import Roster
from denoise.dedup.verdict import Decisions

ROWS = 400


def roster_of(seed: int, texts: int, labels: int, old: int) -> Roster:
    """ROWS rows in random order of random texts and labels, of which the first `old` are an index's."""
    rng = np.random.default_rng(seed)
    drawn, label = rng.integers(0, texts, ROWS).astype(np.uint64), rng.integers(0, labels, ROWS).astype(np.uint64)
    none = np.zeros(ROWS, np.uint64)
    first = first_equal(drawn, none, none)
    number = (np.cumsum(first == np.arange(ROWS)) - 1)[first]
    ids, rank = pa.array(np.arange(ROWS)), np.arange(ROWS)
    hashes = np.column_stack([drawn, drawn])
    return Roster(ids, rank.astype(np.uint64), rank, hashes, label, number, first_equal(drawn, none, label), old)


def bands_of(seed: int, texts: int, edges: int) -> list[Found]:
    """Pairs in three bands, which share many; the later text of some is matched by all."""
    rng = np.random.default_rng(seed)
    pairs = np.sort(rng.integers(0, texts, (edges, 2)), axis=1)
    pairs[: edges // 8, 1] = texts - 1
    pairs = np.unique(pairs[pairs[:, 0] < pairs[:, 1]], axis=0)
    similar = rng.random(len(pairs)).astype(np.float32)
    chosen = [rng.random(len(pairs)) < 0.6 for _ in range(3)]
    return [Found(pairs[each], similar[each], len(pairs), 0) for each in chosen]


def equal(one: Decisions, two: Decisions) -> bool:
    return all(np.array_equal(*pair) for pair in zip(vars(one).values(), vars(two).values(), strict=True))


@pytest.mark.parametrize(
    ("texts", "labels", "old", "edges"),
    [(400, 1, 0, 0), (300, 3, 0, 40), (300, 3, 60, 150), (200, 2, 400, 300), (5, 2, 3, 8), (300, 1, 100, 3000)],
)
def test_parts_decide_as_one_process(texts: int, labels: int, old: int, edges: int) -> None:
    roster = roster_of(edges, texts, labels, old)
    bands = bands_of(edges, roster.texts, edges)
    whole = decide_rows(Here(), roster, bands, edges, 1 << 30)
    assert whole.passes is None
    for parts in (2, 3, 16):
        apart = decide_apart(Here(), roster, bands, parts)
        assert equal(apart.decisions, whole.decisions)
        assert apart.edges == whole.edges and apart.passes is not None


def test_memory_decides_where() -> None:
    roster = roster_of(1, 300, 2, 0)
    bands = bands_of(1, roster.texts, 200)
    found = sum(len(each.pairs) for each in bands)
    needed = array_bytes(found, roster.texts)
    assert needed == 56 * found + 60 * roster.texts
    assert decide_rows(Here(), roster, bands, found, needed).passes is None
    assert decide_rows(Here(), roster, bands, found, needed - 1).passes is not None
