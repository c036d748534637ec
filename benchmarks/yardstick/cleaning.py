"""What denoising does before the judge, in this process: filters, exact and near duplicates.

The same steps as denoise.pipeline without Ray: a wave of some hundred rows is a second's work here, and its fixed cost
there would be paid hundreds of times.
"""

from __future__ import annotations

from typing import NamedTuple

import pyarrow as pa

from denoise.dedup.compare import compare
from denoise.dedup.exact import exact_survivors
from denoise.dedup.survivors import survivors
from denoise.filters.table import build_filters
from denoise.ledger import Ledger
from denoise.settings import DenoiseSettings
from denoise.sketch import near_settings, reading_of, sketch
from denoise.steps import build_pool, drop_duplicates, drop_filtered
from generation.task import Task

_NONE_KEPT = pa.table({"id": pa.array([], pa.string())})


class Draft(NamedTuple):
    """A generated text and the label that it was asked for."""

    text: str
    label: str


def clean(rows: pa.Table, task: Task, settings: DenoiseSettings) -> list[Draft]:
    """What stands of generated `rows` (ROW_SCHEMA), in the total order of denoising."""
    pool = build_pool(rows, _NONE_KEPT)
    intended = dict(zip(rows["id"].to_pylist(), rows["intended_label"].to_pylist(), strict=True))
    ledger = Ledger(dict(intended))
    sketches = sketch(pool, build_filters(task, settings))
    standing = drop_filtered(sketches["reason"].to_pylist(), pool, ledger)
    read = reading_of(sketches)
    twins = exact_survivors(read.hashes[standing])
    standing = drop_duplicates(twins, standing, pool, ledger, "exact")
    edges = compare(read.shingles.take(standing), near_settings(settings.near_duplicate))
    standing = drop_duplicates(survivors(len(standing), edges), standing, pool, ledger, "near")
    left = pool.take(pa.array(standing))
    return [
        Draft(text, intended[id]) for text, id in zip(left["text"].to_pylist(), left["id"].to_pylist(), strict=True)
    ]
