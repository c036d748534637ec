"""The task that a run was made from, prepared again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cluster.job import Job, check_identity, prepare
from cluster.store import Store
from generation.errors import UserError


def job_of(
    store: Store,
    task: Path | None = None,
    changes: Sequence[str] = (),
    allow_code: bool = False,
    otherwise: str = "give --task FILE",
) -> Job:
    """The run's task, prepared again and checked to be the same. Raises UserError, with what to do `otherwise`."""
    run = store.run()
    path = task or Path(run.get("task") or "")
    if not path.is_file():
        where = f"its task file {path} is not there" if run.get("task") else "it does not say where its task file is"
        raise UserError(f"{store.root}: {where}; {otherwise}")
    job = prepare(path, list(changes), allow_code)
    check_identity(job, run, store.root)
    return job
