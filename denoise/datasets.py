"""Tables as Ray Data sets, without the noise."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pyarrow as pa

if TYPE_CHECKING:
    from ray.data import Dataset

BATCH: dict[str, Any] = {"batch_format": "pyarrow", "batch_size": None, "zero_copy_batch": True}


def with_shared(batch: pa.Table, function: Callable[..., pa.Table], shared: Any) -> pa.Table:
    """`function(batch, *shared)`: Ray Data ships arguments with every task, so large ones go as one reference."""
    import ray

    return function(batch, *ray.get(shared))


def as_dataset(table: pa.Table, block_rows: int) -> Dataset:
    """A table in blocks of `block_rows` rows."""
    import ray

    blocks = [table.slice(start, block_rows) for start in range(0, table.num_rows, block_rows)]
    return quiet(ray.data.from_arrow(blocks))


def quiet(dataset: Dataset) -> Dataset:
    """The dataset without progress bars and start-up messages; the process's own Ray Data settings stay."""
    dataset.context.enable_progress_bars = False
    dataset.context.print_on_execution_start = False
    logging.getLogger("ray.data.dataset").setLevel(logging.ERROR)  # it warns of CPUs that are busy just now
    logging.getLogger("ray.data._internal.progress").setLevel(logging.ERROR)
    logging.getLogger("ray.data._internal.execution").setLevel(logging.WARNING)
    return dataset


def collect(dataset: Dataset) -> pa.Table:
    """All blocks as one table, in no certain order."""
    import ray

    return pa.concat_tables(ray.get(dataset.materialize().to_arrow_refs()))
