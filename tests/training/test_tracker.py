"""What an MLflow store in a folder has of a student; skipped where mlflow-skinny is not installed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from training.job import StudentJob, StudentResult
from training.progress import Look
from training.tracker import KEY, Tracker

pytest.importorskip("mlflow", reason="needs mlflow-skinny: pip install 'labelmill[mlflow]'")


def runs(tracker: Tracker) -> list[Any]:
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=tracker.folder.as_uri())
    found = client.get_experiment_by_name(tracker.experiment)
    return [client.get_run(each.info.run_id) for each in client.search_runs([found.experiment_id])]


def test_a_student_is_one_run_however_often_it_is_taken_up(job: StudentJob, tmp_path: Path) -> None:
    tracker = Tracker(tmp_path / "store", "intents")
    tracker.follow(job.key, 2, {"loss": 1.5})
    tracker.follow(job.key, 4, {"loss": 1.25})  # as after a restart: nothing is remembered in between
    (run,) = runs(tracker)
    assert (run.data.metrics, run.info.status) == ({"loss": 1.25}, "RUNNING")

    result = StudentResult(job.output, 8, 4, (Look(4, 0.5, 0.75), Look(8, 0.25, 1.0)), 0.5, 3.0, 0.4, 0, 1, 0.0, "auto")
    tracker.finish(job, result)
    tracker.finish(job, result)
    (run,) = runs(tracker)
    assert run.info.status == "FINISHED"
    assert (run.data.tags[KEY], run.data.tags["labelmill.folder"]) == (job.key, str(job.output))
    assert run.data.params["loss"] == "auto" and run.data.params["seeds"] == "12"
    wanted = {"loss": 0.5, "seconds": 3.0, "best_step": 4, "resumes": 1, "dev_loss": 1.0, "dev_macro_f1": 0.25}
    assert run.data.metrics == wanted
