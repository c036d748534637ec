from __future__ import annotations

import pyarrow as pa

from denoise.dedup.texts import read_texts
from denoise.filters.table import build_filters
from denoise.settings import DenoiseSettings
from denoise.sketch import KNOWN_SCHEMA, SKETCH_SCHEMA, know, near_settings, reading_of, sketch
from tests.denoise.cases import TASK

BATCH = pa.table(
    {
        "id": ["a", "b", "c"],
        "position": [5, 6, 7],
        "text": ["Card", "I lost it. Sorry!", None],
        "finish_reason": ["length", "stop", "stop"],
        "attributes": pa.nulls(3, pa.map_(pa.string(), pa.string())),
    }
)


def test_a_sketch_holds_what_the_parts_say() -> None:
    found = sketch(BATCH, build_filters(TASK, DenoiseSettings()))
    assert found.schema == SKETCH_SCHEMA
    assert found["position"].to_pylist() == [5, 6, 7]
    assert found["reason"].to_pylist() == ["truncated", None, "empty"]
    assert found.select(KNOWN_SCHEMA.names) == know(BATCH)
    read, wanted = reading_of(found.take([1, 0])), read_texts(pa.array(["i lost it sorry", "card"]), near_settings(0.6))
    assert (read.hashes == wanted.hashes).all()
    assert read.shingles.values.tolist() == wanted.shingles.values.tolist()
    assert read.shingles.starts.tolist() == wanted.shingles.starts.tolist()


def test_an_empty_table_of_sketches() -> None:
    read = reading_of(SKETCH_SCHEMA.empty_table())
    assert (read.hashes.shape, read.shingles.starts.tolist()) == ((0, 2), [0])
