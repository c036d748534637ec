"""A run opened to be fed, with the task that it was made from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from cluster.feed.feeding import Wish, feed
from cluster.lease import lease_of
from cluster.store import Store
from cluster.task_of_run import job_of


def feed_run(
    folder: str,
    wish: Wish,
    task: Path | None,
    changes: Sequence[str],
    allow_code: bool,
    told: Callable[[str], None],
) -> dict[str, Any]:
    """`feed` for the run in `folder`, alone on it; returns the feed's summary. Raises UserError."""
    store = Store(folder)
    job = job_of(store, task, changes, allow_code)
    with lease_of(store.root) as lease:
        store.fence = lease.check
        return feed(job, store, wish, told)
