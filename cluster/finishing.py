"""The end of a round: its dataset, what its student is worth, and metrics.json, with which it counts as finished."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from cluster.dataset import materialise, training_rows
from cluster.evaluation import evaluate_run, look_at_dev
from cluster.job import Job
from cluster.journal import Journal
from cluster.metrics import round_metrics
from cluster.monitor import Monitor
from cluster.rounds import Round
from cluster.store import Store
from denoise.drift import Drop
from generation.location import Location
from training.folders import local_folder


class Finishing:
    """What is written of a round whose rows and student are there; `folders` says where its models lie."""

    def __init__(
        self,
        job: Job,
        store: Store,
        journal: Journal,
        monitor: Monitor,
        folders: Callable[[Round], Mapping[str, Location]],
    ) -> None:
        self._job, self._store, self._journal, self._monitor = job, store, journal, monitor
        self._folders = folders
        self._encoder: Any = None

    def finish(self, now: Round, stop_reason: str) -> None:
        """The metrics are written last: with them the round counts as finished."""
        folder = materialise(self._store, now.number, self._job.run_id, columns=self._job.kind.columns)
        self._monitor.stage("evaluating")
        metrics = round_metrics(self._store, self._journal, self._job, now, stop_reason, self._embed)
        metrics["dev"] = self._look_at_dev(now)
        metrics["test"] = self._evaluate(now)
        self._store.write_json(f"rounds/{now.number:03d}/metrics.json", metrics)
        for drop in metrics["diversity_drops"]:
            self._journal.say(f"round {now.number}: texts are less varied than a round ago: {Drop(**drop)}")
        kept = sum(metrics["accepted"].values())
        self._journal.say(f"round {now.number} done ({stop_reason}): {kept} rows kept, dataset in {folder}")

    def evaluate_again(self) -> None:
        """Score finished rounds anew when the test file has come, gone or changed since."""
        for number in self._store.rounds():
            name = f"rounds/{number:03d}/metrics.json"
            metrics = self._store.read_json(name)
            if metrics is None or (metrics["test"] or {}).get("digest") == self._job.test_digest:
                continue
            self._journal.say(f"round {number}: the test rows have changed; evaluating again")
            metrics["test"] = self._evaluate(Round(number, {}, 0, None))
            self._store.write_json(name, metrics)

    def _embed(self, texts: Sequence[str]) -> np.ndarray:
        """By the encoder that students start from."""
        from training.encoder import Encoder

        if self._encoder is None:
            self._encoder = Encoder.load(self._job.encoder_folder, self._job.config.student.max_length)
        return self._encoder.embed(texts)

    def _look_at_dev(self, now: Round) -> dict[str, Any] | None:
        if not self._job.task.dev:
            return None
        kept = training_rows(self._store, range(now.number + 1))
        return look_at_dev(self._job.task.dev, kept, local_folder(self._folders(now)["student"]))

    def _evaluate(self, now: Round) -> dict[str, Any] | None:
        if not self._job.test:
            return None
        kept = training_rows(self._store, range(now.number + 1))
        threshold = self._job.config.denoise.near_duplicate
        folders = {name: local_folder(folder) for name, folder in self._folders(now).items()}
        scores = evaluate_run(self._job.test, self._job.task.seeds, self._job.kind, kept, folders, threshold)
        if scores["unseen_labels"]:
            told = ", ".join(f"{label} ({rows})" for label, rows in scores["unseen_labels"].items())
            self._journal.say(f"warning: test rows carry labels that nothing in training has: {told}")
        return {"digest": self._job.test_digest, **scores}
