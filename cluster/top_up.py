"""Seeds that fill quotas: by `quota_counts: rows_and_seeds` rare labels get the rows, frequent ones few or none."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from cluster.config import TaskConfig
from generation.errors import UserError
from generation.task import Task


def counted_seeds(config: TaskConfig, task: Task) -> dict[str, int]:
    """By label of `task` (as methods see it) how many seeds fill its quota; none where only rows count."""
    if config.quota_counts == "rows":
        return {}
    return {name: count for name, count in seeds_per_label(task).items() if count}


def missing_rows(config: TaskConfig, task: Task) -> int:
    """Rows that the quotas of all rounds leave to be generated."""
    counted = counted_seeds(config, task)
    wanted = config.quota * config.rounds
    return sum(max(0, wanted - counted.get(name, 0)) for name in task.label_names)


def check_quotas(path: Path, config: TaskConfig, task: Task) -> None:
    """Raises UserError where seeds fill every quota."""
    if not missing_rows(config, task):
        counts = seeds_per_label(task)
        least = min(counts, key=lambda name: counts[name])
        raise UserError(
            f"{path}: quota: times rounds must be above the seeds of some label, with quota_counts: rows_and_seeds; "
            f"got {config.quota * config.rounds}, and {least!r}, which has the fewest, has {counts[least]}"
        )


def less(counted: Mapping[str, int]) -> dict[str, int]:
    """What rounds take off quotas for it, as `Round.moved` has it."""
    return {name: -count for name, count in counted.items()}


def seeds_per_label(task: Task) -> dict[str, int]:
    """Seeds of each label of a task as methods see it, in its order."""
    return {name: len(task.seeds_of(name)) for name in task.label_names}
