"""Parts of the output: a fixed number, each row in the one that its id's hash says, so that nothing else matters."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from generation.location import Location, filesystem_of, path_of
from generation.parts import write_bytes

PARTS = 16
_ROW_GROUP = 1 << 16
_KEY = "__key"


def part_of(keys: np.ndarray) -> np.ndarray:
    """The part of each row, by the hash of its id."""
    return (keys >> np.uint64(60)).astype(np.int64)


def part_name(part: int, generation: int = 0) -> str:
    return f"part-{generation:05d}-{part:02d}.parquet"


def split_rows(rows: pa.Table, keep: np.ndarray, keys: np.ndarray) -> list[pa.Table]:
    """The rows to keep as a table for each part, with their keys."""
    kept = rows.filter(pa.array(keep)).append_column(_KEY, pa.array(keys[keep]))
    parts = part_of(keys[keep])
    order = np.argsort(parts, kind="stable")
    ends = np.searchsorted(parts[order], np.arange(PARTS + 1))
    ordered = kept.take(pa.array(order))
    return [ordered.slice(begin, end - begin) for begin, end in itertools.pairwise(ends)]


def join_rows(pieces: Sequence[pa.Table]) -> pa.Table:
    """One part of pieces in any order."""
    return pa.concat_tables(pieces).sort_by(_KEY).drop_columns([_KEY])


def write_table(place: Location, table: pa.Table, dictionary: Sequence[str] | bool = True) -> int:
    """Atomically write a Parquet file whose bytes depend on the rows alone; returns their number."""
    sink = pa.BufferOutputStream()
    table = table.combine_chunks().replace_schema_metadata(None)
    given = dictionary if isinstance(dictionary, bool) else list(dictionary)
    pq.write_table(table, sink, compression="zstd", use_dictionary=given, row_group_size=_ROW_GROUP)
    make_folder(place)
    return write_bytes(filesystem_of(place), path_of(place), sink.getvalue())


def make_folder(place: Location) -> None:
    """The folder that a file is to lie in; an object store has none."""
    if isinstance(place, Path):
        place.parent.mkdir(parents=True, exist_ok=True)
