"""The graphs of benchmarks/components.py are what its table calls them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from components import BANDS, SHAPES, Turn, find, table

from denoise.dedup.components import largest_component
from denoise.dedup.edges import join_edges

TEXTS = 500


def test_graphs_have_their_shapes() -> None:
    largest = {}
    for shape in SHAPES:
        found = [find(shape, TEXTS, 2000, band)[0] for band in range(BANDS)]
        edges = join_edges([(each.pairs, each.similar) for each in found], TEXTS)
        assert sum(len(each.pairs) for each in found) > 1.2 * len(edges.pairs)  # some are found twice
        largest[shape] = len(edges.pairs), largest_component(TEXTS, edges.pairs, np.ones(TEXTS, np.int64))
    assert largest["path"] == (TEXTS - 1, TEXTS)
    assert largest["groups"][1] == 10
    assert largest["giant"][1] > 0.99 * TEXTS


def test_forms_that_decide_differently_have_no_table() -> None:
    turn = Turn("path", "driver", 4, None, 1.0, 1.5, 10.0, 20.0, "a")
    apart = replace(turn, form="parts", passes=2)
    assert table([turn, apart]) == [
        "| path | driver | 4 |  | 1.0 | 1.5 | 10 | 20 |",
        "| path | parts | 4 | 2 | 1.0 | 1.5 | 10 | 20 |",
    ]
    with pytest.raises(SystemExit, match="path: the forms decide differently"):
        table([turn, replace(apart, digest="b")])
