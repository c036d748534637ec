"""All that is read off a text once: why a filter drops it, its normal form, its shingles and its band keys."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from denoise.dedup.minhash import BANDS, band_keys
from denoise.dedup.shingles import Shingles, shingle
from denoise.filters.base import Filter
from denoise.filters.table import filter_reasons
from denoise.normal import normalise

SKETCH_SCHEMA = pa.schema(
    [
        ("position", pa.int64()),
        ("reason", pa.string()),
        ("normal", pa.string()),
        ("shingles", pa.large_list(pa.uint32())),
        ("bands", pa.list_(pa.uint64(), BANDS)),
    ]
)


def sketch(batch: pa.Table, filters: Sequence[Filter]) -> pa.Table:
    """SKETCH_SCHEMA of a batch (`position`, `text`, `finish_reason`, `attributes`, `filtered`), row by row.

    Rows that are not to be `filtered` (kept earlier) have no reason.
    """
    normal = normalise(batch["text"])
    shingles = shingle(normal)
    reasons = np.full(batch.num_rows, None, object)
    reasons[batch["filtered"].to_numpy()] = filter_reasons(batch.filter(batch["filtered"]), filters).to_pylist()
    columns = [
        batch["position"].combine_chunks(),
        pa.array(reasons, pa.string()),
        normal,
        pa.LargeListArray.from_arrays(pa.array(shingles.starts), pa.array(shingles.values)),
        pa.FixedSizeListArray.from_arrays(pa.array(band_keys(shingles).ravel()), BANDS),
    ]
    return pa.table(columns, schema=SKETCH_SCHEMA)


def shingles_of(sketches: pa.Table) -> Shingles:
    """The shingle sets of the rows of a table of sketches."""
    column = sketches["shingles"].combine_chunks()
    starts = np.append(0, np.cumsum(np.asarray(column.value_lengths(), np.int64)))
    return Shingles(np.asarray(column.flatten()), starts)


def bands_of(sketches: pa.Table) -> np.ndarray:
    """The band keys of the rows of a table of sketches, uint64 [n, BANDS]."""
    return np.asarray(sketches["bands"].combine_chunks().flatten()).reshape(-1, BANDS)
