"""What training tells, kept in an MLflow store in a local folder beside what a run keeps itself. Off unless asked for.

A student's MLflow run is found by the job's key, so that training that is broken off and taken up again is one.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.job import StudentJob, StudentResult

KEY = "labelmill.job"  # the tag that holds a job's key
PARAMETERS = ("steps", "batch_size", "learning_rate", "warm_learning_rate", "seed")


@dataclass(frozen=True)
class Tracker:
    """An `experiment` of the store in `folder`."""

    folder: Path
    experiment: str

    def follow(self, key: str, step: int, values: Mapping[str, float]) -> None:
        """Note `values` at a step of a job in training."""
        client, run = self._run(key)
        with _one_batch(client, run.info.run_id) as metrics:
            metrics += [(name, value, step) for name, value in values.items()]

    def finish(self, job: StudentJob, result: StudentResult) -> None:
        """Note a finished student: its settings, its looks at the dev rows, and where it lies; once."""
        client, run = self._run(job.key)
        if run.info.status == "FINISHED":
            return
        number = run.info.run_id
        settings = {name: getattr(job.settings, name) for name in PARAMETERS}
        told = {**settings, "loss": result.loss_name, "rows": len(job.rows), "seeds": len(job.seeds), "kind": job.kind}
        for name, value in told.items():
            client.log_param(number, name, value)
        client.set_tag(number, "labelmill.folder", str(result.folder))
        client.set_tag(number, "mlflow.runName", "/".join(str(result.folder).split("/")[-2:]))
        with _one_batch(client, number) as metrics:
            for look in result.curve:
                metrics += [("dev_loss", look.loss, look.step), ("dev_macro_f1", look.macro_f1, look.step)]
            last = {"loss": result.loss, "seconds": result.seconds, "best_step": result.best_step}
            metrics += [(name, value, result.steps) for name, value in {**last, "resumes": result.resumes}.items()]
        client.set_terminated(number)

    def _run(self, key: str) -> tuple[Any, Any]:
        """MLflow's client, and its run of a job."""
        os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")  # its authors would rather have a data base
        from mlflow import MlflowClient

        client = MlflowClient(tracking_uri=self.folder.absolute().as_uri())
        known = client.get_experiment_by_name(self.experiment)
        number = known.experiment_id if known else client.create_experiment(self.experiment)
        found = client.search_runs([number], filter_string=f"tags.`{KEY}` = '{key}'")
        return client, found[0] if found else client.create_run(number, tags={KEY: key})


@contextlib.contextmanager
def _one_batch(client: Any, run: str) -> Iterator[list[tuple[str, float, int]]]:
    """A list of names, values and steps that is written at the end."""
    from mlflow.entities import Metric

    metrics: list[tuple[str, float, int]] = []
    yield metrics
    now = int(time.time() * 1000)
    client.log_batch(run, metrics=[Metric(name, float(value), now, step) for name, value, step in metrics])
