"""The arithmetic of the sizing table, and that the docs quote it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from cluster.sizing import GIB, SHAPES, Shape, Sizing, shape_of, size, table
from generation.models import EMBEDDED_LM, resolve_model

ROOT = Path(__file__).parents[2]
# 16 GiB of weights; a token takes 2 x 32 x 8 x 128 x 2 bytes
MODEL = Shape("m", 8 * GIB, 32, 8, 128, 32)


def test_weights_and_cache() -> None:
    assert MODEL.weights == 16.0
    assert MODEL.kv_per_token == 131_072
    assert replace(MODEL, weight_bytes=1).weights == 8.0


def test_an_engine_takes_the_fewest_gpus_that_leave_room() -> None:
    """80 GiB: 72 less 3 less 16 are 53 GiB, at 128 MiB a sequence of 1024 tokens."""
    assert size(MODEL, 80) == Sizing(1, 424)
    # 24 GiB: 18.6 GiB less 16 hold 20 sequences, too few; two hold (37.2 - 16) x 8
    assert size(MODEL, 24) == Sizing(2, 169)


def test_heads_must_be_divided() -> None:
    assert size(replace(MODEL, heads=9), 24) is None
    assert size(replace(MODEL, parameters=1000 * GIB), 80) is None


def test_a_folder() -> None:
    folder = resolve_model(EMBEDDED_LM)
    found, stated = shape_of(folder), SHAPES[0]
    assert (found.layers, found.kv_heads, found.head_width, found.heads) == (30, 3, 64, 9)
    assert replace(found, name=stated.name, parameters=stated.parameters, weight_bytes=2) == stated
    assert abs(found.weights - stated.weights) < 0.01
    assert json.loads((folder / "config.json").read_text())["num_hidden_layers"] == stated.layers


def test_the_docs_quote_the_table() -> None:
    assert table() in (ROOT / "docs" / "cluster.md").read_text()
