"""The whole run in one place: seeds -> adapt -> generate -> denoise -> distil -> dataset, until the quotas are met.

Every step first looks at what is committed and does only the rest, so that running again is resuming.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from cluster.adapters import best_rows, place_adapters, train_adapters
from cluster.audit.noted import noted_assurance
from cluster.dataset import discard_scratch, doubted_rows, materialise, training_rows
from cluster.evaluation import CONTRASTIVE, PLAIN, evaluate_run, look_at_dev, rows_of
from cluster.gauges import Gauges
from cluster.job import Job, check_identity
from cluster.journal import Journal
from cluster.lease import lease_of
from cluster.live import View
from cluster.mapping import write_map
from cluster.messages import Committed
from cluster.metrics import noted_prices, round_metrics
from cluster.monitor import Monitor
from cluster.placement import gpus_in_reach
from cluster.pool import EnginePool
from cluster.report_page import write_report
from cluster.rounds import Round, current_round, last_round
from cluster.server_spec import ServerSpec
from cluster.session import ray_session
from cluster.shared import prove_seen
from cluster.spec import EngineSpec, most_engines, plan_engines, trainer_gpu
from cluster.store import Store
from cluster.watched_steps import WatchedSteps
from cluster.wave_steps import WaveSteps
from cluster.waves import Waves
from denoise.drift import Drop
from generation.adapters.folder import Adapter
from generation.kinds.multi_label import join
from generation.location import Location
from training.folders import is_whole, local_folder
from training.job import StudentJob, TrainingRow
from training.tracker import Tracker

_SEED = ("text", "label", "line", "id")


class Flywheel:
    """One driver's work on one run directory."""

    def __init__(self, job: Job, store: Store, view: View) -> None:
        self.job, self.store = job, store
        self.journal = Journal(store.root, view.log)
        self.monitor = Monitor(store, view, measure=Gauges(job.config.name).record)
        self.pool: EnginePool | None = None
        self.spec: EngineSpec | ServerSpec | None = None
        self.trainer_gpu = 0.0
        self.epoch = 0
        self._encoder: Any = None

    def run(self) -> None:
        """Start or resume, and go on until nothing is left to do."""
        with lease_of(self.store.root) as lease:
            self.store.fence, self.epoch = lease.check, lease.epoch
            self._begin()
            now = current_round(self.store, self.job.config, self.job.shown.label_names)
            if now is None:
                self.monitor.begin_round(last_round(self.store))
                self.journal.say("nothing left to do: the run is finished; raise quota or rounds for more")
            else:
                with ray_session(self.job.config.runtime, self.job.run_id):
                    if self.job.config.runtime.address:
                        prove_seen(self.store.root)
                    self._turn(now)
            self._evaluate_again()
            write_report(self.store)
            self.monitor.stage("done")

    def _begin(self) -> None:
        discard_scratch(self.store)
        if self.store.exists:
            check_identity(self.job, self.store.run(), self.store.root)
        else:
            shown = self.job.shown
            seeds = [(seed.text, seed.label, seed.line, seed.id) for seed in (*shown.seeds, *shown.dev)]
            self.store.write_json("seeds.json", [dict(zip(_SEED, seed, strict=True)) for seed in seeds])
            self.store.write_json("run.json", self.job.run_json())
        if self.job.config.prices != noted_prices(self.journal):
            self.journal.note("prices", **self.job.config.prices.model_dump())  # they may differ from run.json's
        if self.job.config.assurance != noted_assurance(self.store, self.journal):
            self.journal.note("assurance", **self.job.config.assurance.model_dump())
        for warning in self.job.warnings:
            self.journal.say(f"warning: {warning}")

    def _planned_engines(self) -> EngineSpec | ServerSpec:
        """What engines are started with. Raises UserError when there is no room for them."""
        gpus, runtime = gpus_in_reach(), self.job.config.runtime
        spec = plan_engines(self.job, gpus)
        self.trainer_gpu = trainer_gpu(spec, most_engines(self.job.config, spec), gpus, runtime.least_workers)
        return spec

    def _turn(self, now: Round | None) -> None:
        """Rounds of the flywheel; the engines live through all of them."""
        try:
            while now is not None:
                self.monitor.begin_round(now)
                self._adapt(now)
                stop_reason = self._generate_and_denoise(now)
                if stop_reason == "cost_budget":
                    self._stop_engines(now)
                self._distil(now)
                self._note_engine_time(now)
                self._finish(now, stop_reason)
                now = current_round(self.store, self.job.config, self.job.shown.label_names)
        finally:
            if self.pool is not None:
                self._stop_engines(last_round(self.store))

    # adapt

    def _adapt(self, now: Round) -> None:
        """Give labels their adapters of this round, and have engines for them."""
        if self.job.method.adapting is not None:
            self._planned_engines()  # no room for engines is told before anything is trained
            self.job = replace(self.job, adapters=self._trained_adapters(now))
        spec = place_adapters(self._planned_engines(), self.store.root)
        if self.pool is not None and _are_alike(spec, self.spec):
            return  # an engine reads an adapter that it does not know from the run
        if self.pool is not None:
            self._stop_engines(now)  # what lies in their weights is another round's
        self.spec = spec
        self.pool = self._new_pool(spec)

    def _trained_adapters(self, now: Round) -> dict[str, Adapter]:
        output = self.store.folder(now.number, "adapters")
        self.monitor.stage("training adapters")
        earlier = range(now.number) if self.job.kind.is_written_as_text else range(0)
        rows = best_rows(self.store.kept(earlier), self.job.shown)
        asleep = self.pool.asleep() if self.pool is not None else contextlib.nullcontext()
        with self.journal.timed("adapt", now.number), asleep:
            trained = train_adapters(self.job, output, self.store.root / "training", self.trainer_gpu, rows)
        left = [label for label in self.job.shown.label_names if label not in trained]
        if left:
            self.journal.say(f"round {now.number}: adapters without effect are left out: {', '.join(left)}")
        return trained

    def _new_pool(self, spec: EngineSpec | ServerSpec) -> EnginePool:
        return EnginePool(
            spec,
            self.job.config.engines,
            self.store,
            self.job.run_id,
            self.epoch,
            template=self.job.template,
            observe=self.monitor.observe,
            log=self.journal.say,
            lost=lambda tokens: self.journal.note("lost", round=self.store.rounds()[-1], tokens=tokens),
            most=most_engines(self.job.config, spec),
            ready=lambda up: self.journal.note("engine", name=str(up.name), pids=up.pids, seconds=up.seconds),
        )

    # generate and denoise, wave by wave

    def _generate_and_denoise(self, now: Round) -> str:
        """Waves until the targets are met, each judged while engines work on the next; returns why they stopped.

        The reason is committed: the student and the dataset of a round are made once, from the rows it had then, even
        if a budget has grown when a killed driver's round is taken up again.
        """
        record = f"rounds/{now.number:03d}/stop.json"
        self._say_what_is_reused(now)
        if stopped := self.store.read_json(record):
            return stopped["reason"]
        judge = functools.partial(self._judge, now) if self.job.kind.has_judge else None
        steps = WatchedSteps(self.job, self.store, self.journal, self.monitor, now, self.epoch, judge)
        waves = Waves(steps, self._answered)
        try:
            self._generate(now, waves, steps)
            waves.judge_the_rest()
        finally:
            waves.close()
        reason = steps.stop_reason()
        self.store.write_json(record, {"reason": reason})
        return reason

    def _generate(self, now: Round, waves: Waves, steps: WaveSteps) -> None:
        if (first := waves.first()) is None:
            return
        pool = self._started_pool(now)
        self.monitor.stage("generating")
        with self.journal.timed("generate", now.number):
            try:
                for part in pool.generate(itertools.chain([first], waves), steps.budget()):
                    self.monitor.committed(part)
                    self._note_usage(now, part)
                    waves.advance()
            finally:
                self.monitor.observe(pool.status())
                self.journal.note("pool", round=now.number, **asdict(pool.usage))
                self._note_engine_time(now)

    def _note_usage(self, now: Round, part: Committed) -> None:
        """What a part's cost depends on and its rows do not tell."""
        if part.estimated or (part.cached_tokens and self.job.config.prices.cached is not None):
            told = {"cached": part.cached_tokens, "estimated": part.estimated}
            self.journal.note("usage", round=now.number, **told)

    def _answered(self) -> Mapping[str, int]:
        return {} if self.pool is None else self.pool.answered

    # distil

    def _judge(self, now: Round) -> Location:
        """The contrastive model, tuned on seeds and guideline once per run."""
        from training.loop import fit_judge

        folder = self.store.root / "rounds" / "000" / "judge"
        if not is_whole(folder):
            self.monitor.stage("training judge")
            names = self.job.task.label_names
            seeds, guideline = self.job.judge_seeds()
            with self.journal.timed("judge", now.number):
                settings, several = self.job.config.student, self.job.kind.has_several
                start, gpu = self.job.encoder_folder, self.trainer_gpu
                fit_judge(seeds, names, settings, folder, start, guideline, gpu=gpu, several=several)
        return folder

    def _distil(self, now: Round) -> None:
        """The student on kept rows and guideline, and the plain baseline on the seeds, in one group of workers."""
        from training.loop import fit_students

        start = self._judge(now) if self.job.kind.has_judge else self.job.encoder_folder
        self.monitor.stage("training student")
        _, guideline = self.job.judge_seeds()
        rows = [TrainingRow(text, label if isinstance(label, str) else join(label)) for text, label in guideline]
        rows += self._learnt_rows()
        jobs = [
            self._student_job(self.job.encoder_folder, self._folders(now)[PLAIN], []),
            self._student_job(start, self._folders(now)["student"], rows),
        ]
        self._say_what_is_not_learnt(now, jobs[-1])
        assert self.pool is not None
        with self.journal.timed("student", now.number), self.pool.asleep():
            workers, storage = self.job.config.runtime.workers, self.store.root / "training"
            student = fit_students(jobs, storage, workers, gpu=self.trainer_gpu, tracker=self._tracker())[-1]
        if student.truncated:
            self.journal.say(
                f"warning: round {now.number}: {student.truncated:.1%} of the student's rows are longer than "
                f"student.max_length, {self.job.config.student.max_length} tokens; it learns from their beginnings"
            )

    def _tracker(self) -> Tracker | None:
        folder, name = self.job.config.runtime.mlflow, self.job.config.name
        return Tracker(self.job.path.parent / folder, name) if folder else None

    def _learnt_rows(self) -> list[TrainingRow]:
        """Kept rows under their labels or, if the settings say so, shares; then perhaps also what the judge doubts."""
        rounds, soft = self.store.rounds(), self.job.learns_shares
        rows = rows_of(training_rows(self.store, rounds), soft)
        if soft and self.job.config.student.targets == "soft_all":
            rows += rows_of(doubted_rows(self.store, rounds), soft)
        return rows

    def _say_what_is_not_learnt(self, now: Round, job: StudentJob) -> None:
        """A student cannot know a label of which it sees nothing."""
        if empty := job.labels_without_rows():
            self.journal.say(f"warning: round {now.number}: the student has no row of label {', '.join(empty)}")

    def _student_job(self, start: Location, output: Location, rows: list[TrainingRow]) -> StudentJob:
        return StudentJob(
            labels=tuple(self.job.task.label_names),
            seeds=tuple(map(TrainingRow.of, self.job.task.seeds)),
            dev=tuple(map(TrainingRow.of, self.job.task.dev)),
            rows=tuple(rows),
            kind=self.job.kind.name,
            init_folder=start,
            output=output,
            settings=self.job.config.student,
        )

    def _folders(self, now: Round) -> dict[str, Location]:
        first = self.store.root / "rounds" / "000"
        folders = {PLAIN: first / "baseline", "student": self.store.folder(now.number, "student")}
        return folders | ({CONTRASTIVE: first / "judge"} if self.job.kind.has_judge else {})

    # dataset, evaluation, metrics

    def _finish(self, now: Round, stop_reason: str) -> None:
        """The metrics are written last: with them the round counts as finished."""
        folder = materialise(self.store, now.number, self.job.run_id, columns=self.job.kind.columns)
        self.monitor.stage("evaluating")
        metrics = round_metrics(self.store, self.journal, self.job, now, stop_reason, self._embed)
        metrics["dev"] = self._look_at_dev(now)
        metrics["test"] = self._evaluate(now)
        one = self.job.kind.has_judge and not self.job.kind.has_several
        write_map(self.store, now.number, self.job.seeds, self._embed, one)
        self.store.write_json(f"rounds/{now.number:03d}/metrics.json", metrics)
        for drop in metrics["diversity_drops"]:
            self.journal.say(f"round {now.number}: texts are less varied than a round ago: {Drop(**drop)}")
        kept = sum(metrics["accepted"].values())
        self.journal.say(f"round {now.number} done ({stop_reason}): {kept} rows kept, dataset in {folder}")

    def _embed(self, texts: Sequence[str]) -> np.ndarray:
        """By the encoder that students start from."""
        from training.encoder import Encoder

        if self._encoder is None:
            self._encoder = Encoder.load(self.job.encoder_folder, self.job.config.student.max_length)
        return self._encoder.embed(texts)

    def _look_at_dev(self, now: Round) -> dict[str, Any] | None:
        if not self.job.task.dev:
            return None
        kept = training_rows(self.store, range(now.number + 1))
        return look_at_dev(self.job.task.dev, kept, local_folder(self._folders(now)["student"]))

    def _evaluate(self, now: Round) -> dict[str, Any] | None:
        if not self.job.test:
            return None
        kept = training_rows(self.store, range(now.number + 1))
        threshold = self.job.config.denoise.near_duplicate
        folders = {name: local_folder(folder) for name, folder in self._folders(now).items()}
        scores = evaluate_run(self.job.test, self.job.task.seeds, self.job.kind, kept, folders, threshold)
        if scores["unseen_labels"]:
            told = ", ".join(f"{label} ({rows})" for label, rows in scores["unseen_labels"].items())
            self.journal.say(f"warning: test rows carry labels that nothing in training has: {told}")
        return {"digest": self.job.test_digest, **scores}

    def _evaluate_again(self) -> None:
        """Score finished rounds anew when the test file has come, gone or changed since."""
        for number in self.store.rounds():
            name = f"rounds/{number:03d}/metrics.json"
            metrics = self.store.read_json(name)
            if metrics is None or (metrics["test"] or {}).get("digest") == self.job.test_digest:
                continue
            self.journal.say(f"round {number}: the test rows have changed; evaluating again")
            metrics["test"] = self._evaluate(Round(number, {}, 0, None))
            self.store.write_json(name, metrics)

    # what is left

    def _started_pool(self, now: Round) -> EnginePool:
        """The engines, started when first needed; the judge is tuned while they load."""
        assert self.pool is not None
        if not self.pool.is_started:
            self.monitor.stage("starting engine")
            self.pool.begin_start()
            if self.job.kind.has_judge:
                self._judge(now)
                self.monitor.stage("starting engine")
            with self.journal.timed("start", now.number):
                self.pool.start()
        return self.pool

    def _note_engine_time(self, now: Round) -> None:
        """For the cost of a round: the time since the last note that engines have been up."""
        assert self.pool is not None
        seconds = self.pool.take_engine_seconds()
        if self.job.config.prices and seconds:
            self.journal.note("engines", round=now.number, seconds=round(seconds, 3))

    def _stop_engines(self, now: Round) -> None:
        """No more is asked of them, and their hours cost."""
        assert self.pool is not None
        self.pool.stop()
        self._note_engine_time(now)

    def _say_what_is_reused(self, now: Round) -> None:
        rows, parts = self.store.generated(now.number, ["id"]).num_rows, self.store.parts(now.number, "generated")
        if rows:
            left = sum(1 for _ in self.store.open_requests(now.number))
            judged = self.store.verdicts(now.number).num_rows
            self.journal.say(
                f"resumed round {now.number}: {rows} rows in {len(parts)} parts reused, {judged} of them judged, "
                f"{left} requests left"
            )


def _are_alike(one: EngineSpec | ServerSpec, other: EngineSpec | ServerSpec | None) -> bool:
    """Whether engines of the one do for the other: the same weights, and room for the same kinds of adapters."""
    if not isinstance(one, EngineSpec) or not isinstance(other, EngineSpec):
        return True
    return one.engine_args() == other.engine_args()
