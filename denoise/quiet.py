"""Ray Data without its progress bars and start-up messages."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ray.data import Dataset


def quiet(dataset: Dataset) -> Dataset:
    """The dataset, silenced; the process's own Ray Data settings stay."""
    dataset.context.enable_progress_bars = False
    dataset.context.print_on_execution_start = False
    logging.getLogger("ray.data._internal.progress").setLevel(logging.ERROR)
    logging.getLogger("ray.data._internal.execution").setLevel(logging.WARNING)
    return dataset
