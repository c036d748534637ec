"""A run is named by its task file or by its directory."""

from __future__ import annotations

from pathlib import Path

import pytest

from cluster.job import example_prompts
from cluster.run import Run
from cluster.store import Store
from generation.errors import UserError
from tests.cluster.cases import make_job


def test_a_run_directory_knows_its_task(tmp_path: Path) -> None:
    job = make_job(tmp_path)
    folder = tmp_path / "run"
    Store(folder).write_json("run.json", job.run_json())
    named = Run.named(str(folder), overrides=["quota=7"])
    assert named.job is not None
    assert (named.job.run_id, named.job.config.quota, named.store.root) == (job.run_id, 7, folder)
    by_task = Run.named(tmp_path / "task.yaml", folder)
    assert by_task.job is not None and by_task.job.run_id == job.run_id
    (tmp_path / "task.yaml").rename(tmp_path / "moved.yaml")
    with pytest.raises(UserError) as caught:
        Run.named(str(folder))
    assert str(caught.value) == (
        f"{folder}: its task file {tmp_path / 'task.yaml'} is not there; name the file, with --run {folder}"
    )


def test_what_a_task_would_ask_and_what_is_odd_about_it(tmp_path: Path) -> None:
    job = make_job(tmp_path)
    run = Run(tmp_path / "task.yaml", tmp_path / "run")
    assert run.prompts() == example_prompts(job) and list(run.prompts()) == ["pos", "neg"]
    assert run.warnings == job.warnings
    assert not (tmp_path / "run").exists()
