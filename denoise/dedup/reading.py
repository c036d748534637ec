"""Reading and sketching by Ray Data: a task for each chunk of a file or part of an index."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from denoise.datasets import BATCH, as_dataset, with_shared
from denoise.dedup.columns import Columns
from denoise.dedup.index import Index, index_sketches, read_index_part
from denoise.dedup.settings import DedupSettings
from denoise.dedup.sketches import inner_type, sketch_rows
from generation.chunks import Chunk
from generation.errors import UserError
from generation.location import Location, address_of
from generation.pieces import LEAVES_OUT

if TYPE_CHECKING:
    from ray import ObjectRef

_TASK, _ERROR = "task", "error"  # columns beside those of a sketch


@dataclass(frozen=True)
class Read:
    """Sketches of `chunks`, in their order (a table of one or several for each), and files skipped as corrupt."""

    chunks: tuple[Chunk, ...]
    sketches: list[ObjectRef]
    corrupt: list[str]

    def without_sketches(self) -> Read:
        """So that their memory can be had again."""
        return replace(self, sketches=[])


def read_rows(chunks: Sequence[Chunk], columns: Columns, settings: DedupSettings, skip_corrupt: bool) -> Read:
    """Sketch all chunks. A file of which a chunk cannot be read is left out as a whole, or raises UserError."""
    refs, errors = _run(_sketch_chunk, len(chunks), (tuple(chunks), columns, settings))
    bad = {chunks[task].file: error for task, error in sorted(errors.items(), reverse=True)}
    if bad and not skip_corrupt:
        raise UserError(min(bad.items())[1] + LEAVES_OUT)
    good = [task for task, chunk in enumerate(chunks) if chunk.file not in bad]
    if not good:
        raise UserError(f"{min(bad)}: there are no rows; every file is corrupt")
    return Read(tuple(chunks[task] for task in good), [ref for task in good for ref in refs[task]], sorted(bad))


def read_index(place: Location | None, index: Index | None, id_type: pa.DataType) -> tuple[list[ObjectRef], pa.Array]:
    """The sketches of an index's rows, and the cluster of each. Raises UserError naming a corrupt part."""
    inner = inner_type(id_type)
    if place is None or index is None or not index.parts:
        return [], pa.array([], inner)
    files = [address_of(place / name) for name in index.parts]
    refs, errors = _run(_sketch_part, len(files), (files, inner))
    if errors:
        raise UserError(errors[min(errors)])
    old = [ref for task in range(len(files)) for ref in refs[task]]
    clusters = [table["cluster_id"] for table in light_tables(old)]
    return old, pa.chunked_array([chunk for each in clusters for chunk in each.chunks], inner).combine_chunks()


def light_tables(refs: Sequence[ObjectRef]) -> list[pa.Table]:
    """The tables without their shingles, out of shared memory, which so can be had for other things."""
    import ray

    return [_copy(ray.get(ref).drop_columns(["shingles", _TASK])) for ref in refs]


def _copy(table: pa.Table) -> pa.Table:
    return table.take(pa.array(np.arange(table.num_rows)))


def _run(function: Callable[..., pa.Table], count: int, shared: tuple) -> tuple[list[list[ObjectRef]], dict[int, str]]:
    """The tables that `function(task, *shared)` makes of each of `count` tasks, and the errors of those that failed."""
    import ray

    dataset = as_dataset(pa.table({_TASK: range(count)}), 1)
    made = dataset.map_batches(with_shared, fn_args=(_guarded, ray.put((function, shared))), **BATCH).materialize()
    refs: list[list[ObjectRef]] = [[] for _ in range(count)]
    errors: dict[int, str] = {}
    for ref in made.to_arrow_refs():
        table = ray.get(ref)
        if table.num_rows:
            (task,) = set(table[_TASK].to_pylist())
            refs[task].append(ref)
            if _ERROR in table.column_names:
                errors[task] = table[_ERROR][0].as_py()
    return refs, errors


def _guarded(batch: pa.Table, function: Callable[..., pa.Table], shared: tuple) -> pa.Table:
    """A table that says what is wrong where a file cannot be read."""
    (task,) = batch[_TASK].to_pylist()
    try:
        table = function(task, *shared)
    except UserError as error:
        return pa.table({_TASK: [task], _ERROR: [str(error)]})
    return table.append_column(_TASK, pa.array(np.full(table.num_rows, task)))


def _sketch_chunk(task: int, chunks: Sequence[Chunk], columns: Columns, settings: DedupSettings) -> pa.Table:
    return sketch_rows(chunks[task].read(columns.read, columns.strings), columns, settings)


def _sketch_part(task: int, files: Sequence[str], id_type: pa.DataType) -> pa.Table:
    return index_sketches(read_index_part(files[task]), id_type)
