"""`labelmill submit`: a task as a job of a Ray cluster. What is shipped, under which name, with which command.

The task's folder travels; the job is `labelmill run` on the cluster's head. Equal tasks with equal RUN are one job.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cluster.installed import PACKAGES
from cluster.job import Job
from generation.errors import UserError, clip
from generation.fetch import is_remote
from generation.records import digest

EXCLUDED = (".git", ".venv", "runs", "__pycache__")  # never shipped, wherever below the task's folder
MOST_MIB = 200  # Ray keeps packages in the memory of the cluster's head
_MIB = 1024**2


@dataclass(frozen=True)
class Submission:
    """A job before it is submitted. `stem` begins its name; `metadata` is how it is found again."""

    stem: str
    entrypoint: str
    folder: Path
    metadata: dict[str, str]
    ship_code: bool

    def runtime_env(self) -> dict[str, Any]:
        """Ray's runtime environment of the job."""
        return {"working_dir": str(self.folder), "excludes": list(EXCLUDED), **code_env(self.ship_code)}


def plan_submission(job: Job, run: str | None, overrides: Sequence[str], ship_code: bool = False) -> Submission:
    """The job for a prepared task. Raises UserError when the task's folder does not hold all that the task needs."""
    run = run or f"~/runs/{job.config.name}"
    if not (run.startswith(("/", "~/")) or "://" in run):
        raise UserError(f"--run: must be an absolute path on the cluster, ~/… or a URI; got {clip(run)}")
    folder = job.path.resolve().parent
    _check_names(job, folder)
    _check_size(folder)
    stem = f"labelmill-{job.config.name}-{digest([job.run_id, run])[:8]}"
    settings = [part for each in (*overrides, "runtime.address=auto") for part in ("--set", each)]
    return Submission(
        stem=stem,
        entrypoint=labelmill("run", job.path.name, "--run", run, *settings),
        folder=folder,
        metadata={
            "labelmill_job": stem,
            "labelmill_run": run,
            "labelmill_code": "shipped" if ship_code else "installed",
        },
        ship_code=ship_code,
    )


def labelmill(*arguments: str) -> str:
    """The shell command that runs labelmill on the cluster; a leading ~/ is the home folder there."""
    home = ('"$HOME"/' + shlex.quote(each[2:]) if each.startswith("~/") else shlex.quote(each) for each in arguments)
    return " ".join(["python -m cluster", *home])


def code_env(ship_code: bool) -> dict[str, Any]:
    """Puts this machine's four packages before those installed on the cluster, if they are to be shipped."""
    root = Path(__file__).resolve().parents[1]
    return {"py_modules": [str(root / package) for package in PACKAGES]} if ship_code else {}


def _check_names(job: Job, folder: Path) -> None:
    """What the task names must travel with it, but for models that all nodes find: by URI or at an absolute path."""
    config = job.config
    named = {"seeds": config.seeds, "pool": config.pool, "test": config.test}
    named["generation.template"] = config.generation.template
    for label, adapter in config.generation.adapters.items():
        named[f"generation.adapters.{label}"] = adapter and str(Path(adapter).expanduser())
    for field, model in (("model", config.model), ("student.model", config.student.model)):
        if not (model.startswith("embedded:") or is_remote(model) or Path(model).expanduser().is_absolute()):
            named[field] = model
    for field, name in named.items():
        if name is None:
            continue
        path = (folder / name).resolve()
        if Path(name).is_absolute():
            raise UserError(
                f"{job.path}: {field}: must be named from the task's folder, which lies elsewhere on the cluster; "
                f"got {clip(name)}"
            )
        if not path.is_relative_to(folder) or set(path.relative_to(folder).parts) & set(EXCLUDED):
            raise UserError(
                f"{job.path}: {field}: must lie in the task's folder, outside of {', '.join(EXCLUDED)}, to be shipped; "
                f"got {clip(name)}"
            )


def _check_size(folder: Path) -> None:
    sizes = {path: path.stat().st_size for path in _files(folder)}
    if (total := sum(sizes.values())) > MOST_MIB * _MIB:
        largest = max(sizes, key=lambda path: sizes[path])
        raise UserError(
            f"{folder}: must be at most {MOST_MIB} MiB to be shipped; got {total // _MIB} MiB, "
            f"{sizes[largest] // _MIB} of them in {largest.relative_to(folder)}; move what the task does not name out "
            "of this folder, a model to an absolute path that all nodes see"
        )


def _files(folder: Path) -> Iterator[Path]:
    for where, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name not in EXCLUDED]
        yield from (path for name in names if (path := Path(where, name)).is_file())
