"""Hashes of values of any Arrow type: ids, labels and whole rows, equal on every machine."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from denoise.dedup.texts import buffers_of

_NULL = np.uint64(0x6E756C6C)
_FACTOR = np.uint64(0x9E3779B97F4A7C15)


def hash_column(column: pa.ChunkedArray | pa.Array) -> np.ndarray:
    """uint64 [n, 2]. Distinct integers have distinct first hashes; values deeper than a scalar are slow."""
    from denoise.dedup.kernel import hash_runs, mix_all

    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if isinstance(array, pa.ChunkedArray):
        array = pa.concat_arrays(array.chunks)
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    missing = np.asarray(array.is_null())
    whole = _as_integers(array)
    if whole is not None:
        first = mix_all(np.asarray(pc.fill_null(whole, 0), np.int64).view(np.uint64))
        hashes = np.column_stack([first, mix_all(first ^ _FACTOR)])
    else:
        hashes = hash_runs(*buffers_of(pc.fill_null(_as_bytes(array), b"")))
    hashes[missing] = _NULL
    return hashes


def hash_rows(table: pa.Table) -> np.ndarray:
    """uint64 [n, 2] of whole rows: of all columns, by name."""
    from denoise.dedup.kernel import mix_all

    total = np.zeros((table.num_rows, 2), np.uint64)
    for name in sorted(table.column_names):
        total = (total * _FACTOR) ^ hash_column(table[name])
        total = np.column_stack([mix_all(np.ascontiguousarray(total[:, side])) for side in range(2)])
    return total


def _as_integers(array: pa.Array) -> pa.Array | None:
    kind = array.type
    if pa.types.is_integer(kind):
        return pc.cast(array, pa.int64(), safe=False)
    if pa.types.is_boolean(kind):
        return array.cast(pa.int64())
    if pa.types.is_floating(kind):
        return pc.cast(array, pa.float64()).view(pa.int64())
    return None


def _as_bytes(array: pa.Array) -> pa.Array:
    kind = array.type
    if pa.types.is_nested(kind):
        array = pa.array([repr(value) for value in array.to_pylist()], pa.large_string())
    elif not pa.types.is_binary(kind) and not pa.types.is_large_binary(kind):
        array = array.cast(pa.large_string())
    return array.cast(pa.large_binary())
