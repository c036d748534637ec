"""The end of a round: its dataset, what its student is worth, whether another comes. metrics.json is written last."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from cluster.aiming import listed
from cluster.dataset import materialise, training_rows
from cluster.deciding import decide
from cluster.evaluation import evaluate_run, look_at_dev
from cluster.figures import judged_noise, labels_kept, new_clusters
from cluster.held_out import HeldOut, of_dev, of_folds, read_held_out, write_held_out
from cluster.job import Job
from cluster.journal import Journal
from cluster.mapping import write_map
from cluster.metrics import round_metrics
from cluster.monitor import Monitor
from cluster.promotion import promote, weigh
from cluster.rounds import Round
from cluster.store import Store
from denoise.drift import Drop, alarming, diversity_drops
from generation.location import Location, near
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
        self._vectors: dict[str, np.ndarray] = {}

    def finish(self, now: Round, stop_reason: str) -> None:
        """The metrics are written last: with them the round counts as finished."""
        folder = materialise(self._store, now.number, self._job.run_id, columns=self._job.kind.columns)
        self._monitor.stage("evaluating")
        metrics = round_metrics(self._store, self._journal, self._job, now, stop_reason, self._embed)
        metrics["dev"] = self._look_at_dev(now)
        metrics["test"] = self._evaluate(now)
        metrics |= self._progress(now)
        alarms = self._alarms(now, [Drop(**drop) for drop in metrics["diversity_drops"]])
        for drop in metrics["diversity_drops"]:
            self._journal.say(f"round {now.number}: texts are less varied than a round ago: {Drop(**drop)}")
        metrics["alarms"] = [asdict(drop) for drop in alarms]
        promotion = self._promoted(now, alarms)
        decision = decide(self._store, now.number, self._job.config, metrics)
        metrics |= {"promotion": promotion, "decision": asdict(decision)}
        one = self._job.kind.has_judge and not self._job.kind.has_several
        write_map(self._store, now.number, self._job.seeds, self._embed, one)
        self._store.write_json(f"rounds/{now.number:03d}/metrics.json", metrics)
        kept = sum(metrics["accepted"].values())
        self._journal.say(f"round {now.number} done ({stop_reason}): {kept} rows kept, dataset in {near(folder)}")
        if given_up := metrics["given_up"]:
            self._journal.say(f"warning: round {now.number}: given up before they had their quota: {_told(given_up)}")
        if (kept_labels := metrics["labels_kept"]) is not None:
            self._journal.say(f"round {now.number}: of the rows made for a label about {kept_labels:.0%} are of it")
        if decision.wanted is None:
            self._journal.say(f"no further round: {decision.why}")

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

    def _progress(self, now: Round) -> dict[str, Any]:
        """What this round brought: gain, noise, how often the LM kept its labels, and new clusters."""
        held, store = self._held_out(now), self._store
        gain = held.gain_over(read_held_out(store, now.number - 1)) if held is not None and now.number else None
        return {
            "held_out": held and {"basis": held.basis, "rows": len(held.right), "accuracy": held.accuracy},
            "gain": gain and {**asdict(gain), "over": now.number - 1},
            "noise": judged_noise(store, range(now.number + 1)),
            "labels_kept": labels_kept(store, now.number),
            "new_clusters": new_clusters(store, now.number, [seed.text for seed in self._job.seeds], self._embed),
        }

    def _held_out(self, now: Round) -> HeldOut | None:
        """What the student, or heads in its place, say of rows that they have not seen; found once a round."""
        if found := read_held_out(self._store, now.number):
            return found
        job, kept = self._job, training_rows(self._store, range(now.number + 1))
        if job.task.dev:
            found = of_dev(job.task.dev, job.kind, local_folder(self._folders(now)["student"]))
        elif job.kind.has_judge and not job.kind.has_several:
            found = of_folds(job.task.seeds, kept, job.task.label_names, self._embed)
        if found is not None:
            write_held_out(self._store, now.number, found)
        return found

    def _alarms(self, now: Round, drops: list[Drop]) -> list[Drop]:
        """What diversity has lost since the first round; `drops` are those since the one before."""
        if now.number > 1 and not now.fed:
            seeds, copied = [seed.text for seed in self._job.seeds], self._job.config.denoise.seed_copy
            first, kept = self._store.kept([0]), self._store.kept([now.number])
            drops = diversity_drops(first, kept, seeds, copied, self._embed)
        alarms = alarming(drops, self._job.config.guard.drop)
        for drop in alarms:
            self._journal.say(f"alarm: round {now.number}: texts have lost variety since the first round: {drop}")
        return alarms

    def _promoted(self, now: Round, alarms: Sequence[Drop]) -> dict[str, Any]:
        hold = self._job.config.guard.alarm == "hold"
        found = weigh(self._store, now.number, read_held_out(self._store, now.number), alarms, hold)
        if found.promoted:
            promote(self._store, now.number)
        if found.over is not None:
            what = "is promoted" if found.promoted else f"is not promoted, round {found.over}'s stays"
            self._journal.say(f"round {now.number}: the student {what}: {found.why}")
        return asdict(found)

    def _embed(self, texts: Sequence[str]) -> np.ndarray:
        """By the encoder that students start from; each text once."""
        from training.encoder import Encoder

        if self._encoder is None:
            self._encoder = Encoder.load(self._job.encoder_folder, self._job.config.student.max_length)
        if new := [text for text in dict.fromkeys(texts) if text not in self._vectors]:
            self._vectors.update(zip(new, self._encoder.embed(new), strict=True))
        found = [self._vectors[text] for text in texts]
        return np.array(found, np.float32) if found else self._encoder.embed(texts)

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


def _told(given_up: Mapping[str, Mapping[str, int]]) -> str:
    """The labels, those that brought least first."""
    labels = sorted(given_up, key=lambda label: given_up[label]["accepted"] / max(1, given_up[label]["generated"]))
    return listed(
        [f"{name} ({given_up[name]['accepted']} of {given_up[name]['generated']} rows kept)" for name in labels]
    )
