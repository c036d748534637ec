from __future__ import annotations

import pyarrow as pa

from denoise.dedup.minhash import band_keys
from denoise.dedup.shingles import shingle
from denoise.filters.table import build_filters
from denoise.settings import DenoiseSettings
from denoise.sketch import SKETCH_SCHEMA, bands_of, shingles_of, sketch
from tests.denoise.cases import TASK

BATCH = pa.table(
    {
        "position": [4, 5, 6, 7],
        "text": ["Card", "Card", "I lost it. Sorry!", None],
        "finish_reason": ["length", "length", "stop", "stop"],
        "filtered": [False, True, True, True],
    }
)


def test_a_sketch_holds_what_the_parts_say() -> None:
    found = sketch(BATCH, build_filters(TASK, DenoiseSettings()))
    assert found.schema == SKETCH_SCHEMA
    assert found["position"].to_pylist() == [4, 5, 6, 7]
    assert found["reason"].to_pylist() == [None, "truncated", None, "empty"]
    assert found["normal"].to_pylist() == ["card", "card", "i lost it sorry", ""]
    shingles = shingle(pa.array(["card", "i lost it sorry"]))
    some = found.take(pa.array([1, 2]))
    assert shingles_of(some).values.tolist() == shingles.values.tolist()
    assert shingles_of(some).starts.tolist() == shingles.starts.tolist()
    assert (bands_of(some) == band_keys(shingles)).all()


def test_an_empty_table_of_sketches() -> None:
    empty = SKETCH_SCHEMA.empty_table()
    assert bands_of(empty).shape == (0, 25)
    assert shingles_of(empty).starts.tolist() == [0]
