"""All that is read off a text once: why a filter drops it, the hashes of its normal form, and its shingles."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from denoise.dedup.settings import DedupSettings
from denoise.dedup.texts import Reading, Shingles, read_texts
from denoise.filters.base import Filter
from denoise.filters.table import filter_reasons

# what later rounds compare with: enough to know a text again, and to tell how near another one is
KNOWN_SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("hash", pa.uint64()),
        ("more", pa.uint64()),
        ("shingles", pa.large_list(pa.uint32())),
    ]
)
SKETCH_SCHEMA = pa.schema([("position", pa.int64()), ("reason", pa.string()), *KNOWN_SCHEMA])


def near_settings(threshold: float) -> DedupSettings:
    """How generated texts are compared: by runs of five characters.

    On texts of a sentence or two these find more edited copies than word bigrams do, and unlike single words they do
    not join questions that merely share their subject.
    """
    return DedupSettings("characters", 5, threshold)


READ = near_settings(1)  # what is read off a text does not depend on the threshold


def sketch(batch: pa.Table, filters: Sequence[Filter]) -> pa.Table:
    """SKETCH_SCHEMA of a batch of new rows (`id`, `position`, `text`, `finish_reason`, `attributes`), row by row."""
    known = know(batch)
    for name, column in (("reason", filter_reasons(batch, filters)), ("position", batch["position"])):
        known = known.add_column(0, name, column)
    return known.cast(SKETCH_SCHEMA)


def know(rows: pa.Table) -> pa.Table:
    """KNOWN_SCHEMA of rows (`id`, `text`), in their order."""
    read = read_texts(rows["text"], READ)
    values, starts = read.shingles.values, read.shingles.starts
    hashes = [pa.array(np.ascontiguousarray(side)) for side in read.hashes.T]
    shingles = pa.LargeListArray.from_arrays(pa.array(starts), pa.array(values))
    return pa.table([rows["id"], *hashes, shingles], names=KNOWN_SCHEMA.names).cast(KNOWN_SCHEMA)


def reading_of(known: pa.Table) -> Reading:
    """The hashes and shingle sets of the rows of a table that has the columns of KNOWN_SCHEMA."""
    column = known["shingles"].combine_chunks()
    starts = np.append(0, np.cumsum(np.asarray(column.value_lengths(), np.int64)))
    hashes = np.column_stack([np.asarray(known[name]) for name in ("hash", "more")])
    return Reading(hashes, Shingles(np.asarray(column.flatten()), starts))
