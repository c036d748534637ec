"""A run opened to be fed, with the task that it was made from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cluster.feed.feeding import Feed, Told
from cluster.feed.pool import Wish, pool_digest
from cluster.feed.record import feed_to_do, folder_of, summary_of
from cluster.forgetting.pending import refuse_unfinished
from cluster.job import Job
from cluster.lease import lease_of
from cluster.promotion import standing_round
from cluster.rounds import check_feedable
from cluster.session import ray_session
from cluster.store import Store
from cluster.task_of_run import job_of
from generation.errors import UserError
from generation.kinds.pair import text_columns
from training.job import ONE_LABEL


def feed_run(
    folder: str,
    wish: Wish,
    task: Path | None,
    changes: Sequence[str],
    allow_code: bool,
    told: Told,
) -> dict[str, Any]:
    """`feed` for the run in `folder`, alone on it; returns the feed's summary. Raises UserError."""
    store = Store(folder)
    job = job_of(store, task, changes, allow_code)
    with lease_of(store.root) as lease:
        store.fence = lease.check
        return feed(job, store, wish, told)


def feed(job: Job, store: Store, wish: Wish, told: Told) -> dict[str, Any]:
    """Feed a pool, or go on with it; returns the feed's summary. Raises UserError.

    The caller holds the lease of the run. Starts a Ray where none is initialised.
    """
    if job.kind.name not in ONE_LABEL:
        raise UserError(f"{job.path}: kind: feed takes texts and pairs of one label each; got {job.kind.name!r}")
    columns = text_columns(job.kind.name, wish.text)
    refuse_unfinished(store)
    digest = pool_digest(wish.files, columns)
    number, is_done = feed_to_do(store, digest, wish.again, wish.drop)
    if is_done:
        told(f"this pool is in the run already, as {folder_of(number)}; --again takes more of it")
        return summary_of(store, number) or {}
    student = student_round(store)
    check_feedable(store)
    with ray_session(job.config.runtime, job.run_id):
        return Feed(job, store, wish, number, digest, student, told).run()


def student_round(store: Store) -> int:
    """The round whose student is promoted. Raises UserError."""
    if (number := standing_round(store)) is None:
        raise UserError(f"{store.root}: has no student yet; `labelmill run` makes one")
    return number
