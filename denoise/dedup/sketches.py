"""All that is read off a row once for deduplication."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from denoise.dedup.columns import Columns
from denoise.dedup.hashes import hash_column, hash_rows
from denoise.dedup.settings import DedupSettings
from denoise.dedup.texts import Shingles, read_texts


def sketch_schema(id_type: pa.DataType) -> pa.Schema:
    """Columns of a sketch: a row's id and its hash, the hashes of its text and label, what ranks it, its shingles.

    Rows without an id have their whole contents' hashes for `key` and `key_more`.
    """
    names = ["key", "key_more", "text_hash", "text_more", "label_hash"]
    return pa.schema(
        [
            ("id", id_type),
            *((name, pa.uint64()) for name in names),
            ("prefer", pa.float64()),
            ("length", pa.int32()),
            ("shingles", pa.large_list(pa.uint32())),
        ]
    )


def inner_type(kind: pa.DataType) -> pa.DataType:
    """What ids of this type are held as: more than 2 GB of strings do not fit any other."""
    if pa.types.is_integer(kind):
        return kind if pa.types.is_uint64(kind) else pa.int64()
    return pa.large_string()


def sketch_rows(rows: pa.Table, columns: Columns, settings: DedupSettings) -> pa.Table:
    """The sketches of rows (the columns named), in their order."""
    read = read_texts(rows[columns.text], settings)
    count = rows.num_rows
    if columns.id is None:
        ids, keys = pa.nulls(count, pa.large_string()), hash_rows(rows)
    else:
        ids, keys = rows[columns.id].cast(inner_type(rows.schema.field(columns.id).type)), hash_column(rows[columns.id])
    labels = np.zeros(count, np.uint64) if columns.label is None else hash_column(rows[columns.label])[:, 0]
    prefer = pa.array(np.zeros(count)) if columns.prefer is None else rows[columns.prefer].cast(pa.float64())
    lengths = pc.fill_null(pc.utf8_length(_decoded(rows[columns.text])), 0).cast(pa.int32())
    shingles = read.shingles
    return pa.table(
        [
            ids,
            *(pa.array(np.ascontiguousarray(each)) for each in (*keys.T, *read.hashes.T, labels)),
            pc.fill_null(prefer, -np.inf),
            lengths,
            pa.LargeListArray.from_arrays(pa.array(shingles.starts), pa.array(shingles.values)),
        ],
        schema=sketch_schema(ids.type),
    )


def shingles_in(sketches: pa.Table) -> Shingles:
    """The shingle sets of a table of sketches in one piece, without a copy."""
    column = sketches["shingles"]
    column = column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
    starts = np.asarray(column.offsets, np.int64)
    return Shingles(np.asarray(column.values)[starts[0] : starts[-1]], starts - starts[0])


def _decoded(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.cast(pa.large_string())
