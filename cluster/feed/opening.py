"""A run opened to be fed, with the task that it was made from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from cluster.feed.feeding import Wish, feed
from cluster.job import Job, check_identity, prepare
from cluster.lease import lease_of
from cluster.store import Store
from generation.errors import UserError


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


def job_of(store: Store, task: Path | None = None, changes: Sequence[str] = (), allow_code: bool = False) -> Job:
    """The run's task, prepared again and checked to be the same. Raises UserError."""
    run = store.run()
    path = task or Path(run.get("task") or "")
    if not path.is_file():
        where = f"its task file {path} is not there" if run.get("task") else "it does not say where its task file is"
        raise UserError(f"{store.root}: {where}; give --task FILE")
    job = prepare(path, list(changes), allow_code)
    check_identity(job, run, store.root)
    return job
