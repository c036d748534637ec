"""The whole run in one place: seeds -> generate -> denoise -> distil -> dataset, until the quotas are met.

Every step first looks at what is committed and does only the rest, so that running again is resuming.
"""

from __future__ import annotations

import functools
import itertools
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from cluster.dataset import discard_scratch, materialise
from cluster.evaluation import CONTRASTIVE, PLAIN, evaluate_run
from cluster.job import Job, check_identity, gpu_count
from cluster.journal import Journal
from cluster.lease import lease_of
from cluster.live import View
from cluster.metrics import round_metrics, spent_tokens
from cluster.monitor import Monitor
from cluster.pool import EnginePool
from cluster.report_page import write_report
from cluster.rounds import MOST_WAVES, Round, accepted_per_label, current_round, last_round, next_counts
from cluster.session import ray_session
from cluster.spec import EngineSpec, plan_engine
from cluster.store import Store
from denoise.pipeline import denoise_wave
from generation.location import Location
from generation.plan import plan_wave
from training.folders import is_whole, local_folder
from training.job import StudentJob, TrainingRow


class Flywheel:
    """One driver's work on one run directory."""

    def __init__(self, job: Job, store: Store, view: View) -> None:
        self.job, self.store = job, store
        self.journal = Journal(store.root, view.log)
        self.monitor = Monitor(store, view)
        self.pool: EnginePool | None = None
        self.epoch = 0

    def run(self) -> None:
        """Start or resume, and go on until nothing is left to do."""
        with lease_of(self.store.root) as lease:
            self.store.fence, self.epoch = lease.check, lease.epoch
            self._begin()
            now = current_round(self.store, self.job.config)
            if now is None:
                self.monitor.begin_round(last_round(self.store))
                self.journal.say("nothing left to do: the run is finished; raise quota or rounds for more")
            else:
                spec = plan_engine(self.job.config, self.job.model_folder, self.job.model_hash, gpu_count())
                with ray_session(self.job.config.runtime):
                    self._turn(now, spec)
            self._evaluate_again()
            write_report(self.store)
            self.monitor.stage("done")

    def _begin(self) -> None:
        discard_scratch(self.store)
        if self.store.exists:
            check_identity(self.job, self.store.run(), self.store.root)
        else:
            self.store.write_json("seeds.json", [vars(seed) | {"id": seed.id} for seed in self.job.seeds])
            self.store.write_json("run.json", self.job.run_json())
        for warning in self.job.warnings:
            self.journal.say(f"warning: {warning}")

    def _turn(self, now: Round | None, spec: EngineSpec) -> None:
        """Rounds of the flywheel; the engines live through all of them."""
        self.pool = EnginePool(
            spec,
            self.job.config.runtime.engines,
            self.store,
            self.job.run_id,
            self.epoch,
            template=self.job.template,
            observe=self.monitor.observe,
            log=self.journal.say,
            lost=lambda tokens: self.journal.note("lost", round=self.store.rounds()[-1], tokens=tokens),
            ready=lambda up: self.journal.note("engine", name=str(up.name), pids=up.pids, seconds=up.seconds),
        )
        try:
            while now is not None:
                self.monitor.begin_round(now)
                stop_reason = self._generate_and_denoise(now)
                self._distil(now)
                self._finish(now, stop_reason)
                now = current_round(self.store, self.job.config)
        finally:
            self.pool.stop()

    # generate and denoise, wave by wave

    def _generate_and_denoise(self, now: Round) -> str:
        """Waves until the targets are met; returns why they stopped.

        The reason is committed: the student and the dataset of a round are made once, from the rows it had then, even
        if a budget has grown when a killed driver's round is taken up again.
        """
        record = f"rounds/{now.number:03d}/stop.json"
        self._say_what_is_reused(now)
        wave = 0
        while not (stopped := self.store.read_json(record)):
            if not self._is_planned(now, wave):
                if reason := self._stop_reason(now, wave):
                    self.store.write_json(record, {"reason": reason})
                    continue
                self._plan(now, wave)
            self.monitor.begin_wave(wave)
            self._generate(now, wave)
            self._denoise(now, wave)
            wave += 1
        return stopped["reason"]

    def _stop_reason(self, now: Round, wave: int) -> str | None:
        if not next_counts(self.store, now, self.job.config.generation.samples):
            return "quota_met"
        if self._tokens_left() == 0 or self._wave_is_open(now, wave - 1):
            return "token_budget"
        if wave >= MOST_WAVES:
            return "waves_exhausted"
        return None

    def _plan(self, now: Round, wave: int) -> None:
        counts = next_counts(self.store, now, self.job.config.generation.samples)
        settings, method = self.job.config.generation, self.job.method
        plan = plan_wave(self.job.task, settings, method, self.job.run_id, now.number, wave, counts)
        self.store.commit(now.number, "requests", f"w{wave:03d}", plan, self.job.run_id)

    def _generate(self, now: Round, wave: int) -> None:
        left = self.store.open_requests(now.number, wave)
        if (first := next(left, None)) is None:
            return
        pool = self._started_pool(now)
        self.monitor.stage("generating")
        with self.journal.timed("generate", now.number):
            for part in pool.generate(itertools.chain([first], left), self._tokens_left()):
                self.monitor.committed(part)

    def _denoise(self, now: Round, wave: int) -> None:
        rows = self._unjudged(now, wave)
        if rows.num_rows == 0:
            return
        judge = self._judge(now)
        self.monitor.stage("denoising")
        accepted = accepted_per_label(self.store, [now.number])
        remaining = {label: max(0, target - accepted[label]) for label, target in now.targets.items()}
        with self.journal.timed("denoise", now.number):
            verdicts = denoise_wave(
                rows,
                self.job.task,
                self.job.config.denoise,
                functools.partial(_load_judge, judge),
                self.store.kept(self.store.rounds()),
                remaining,
            )
            name = f"w{wave:03d}-d{self.epoch:04d}-{len(self.store.parts(now.number, 'verdicts')):03d}"
            self.store.commit(now.number, "verdicts", name, verdicts, self.job.run_id)
        self.monitor.judged()

    # distil

    def _judge(self, now: Round) -> Location:
        """The contrastive model, tuned on seeds and guideline once per run."""
        from training.loop import fit_judge

        folder = self.store.root / "rounds" / "000" / "judge"
        if not is_whole(folder):
            self.monitor.stage("training judge")
            task = self.job.task
            seeds, guideline = ([(row.text, str(row.label)) for row in rows] for rows in (task.seeds, task.guideline))
            with self.journal.timed("judge", now.number):
                settings = self.job.config.student
                fit_judge(seeds, task.label_names, settings, folder, self.job.encoder_folder, guideline)
        return folder

    def _distil(self, now: Round) -> None:
        """The student on kept rows and guideline, and the plain baseline on the seeds, in one group of workers."""
        from training.loop import fit_students

        judge = self._judge(now)
        self.monitor.stage("training student")
        kept = self.store.kept(self.store.rounds())
        rows = [TrainingRow(row.text, str(row.label)) for row in self.job.task.guideline]
        rows += [TrainingRow(row["text"], row["label"], row["weight"]) for row in kept.to_pylist()]
        jobs = [
            self._student_job(self.job.encoder_folder, self._folders(now)[PLAIN], []),
            self._student_job(judge, self._folders(now)["student"], rows),
        ]
        with self.journal.timed("student", now.number):
            fit_students(jobs, self.store.root / "training", self.job.config.runtime.workers)

    def _student_job(self, start: Location, output: Location, rows: list[TrainingRow]) -> StudentJob:
        return StudentJob(
            labels=tuple(self.job.task.label_names),
            seeds=tuple(TrainingRow(seed.text, str(seed.label)) for seed in self.job.task.seeds),
            dev=tuple(TrainingRow(seed.text, str(seed.label)) for seed in self.job.task.dev),
            rows=tuple(rows),
            init_folder=start,
            output=output,
            settings=self.job.config.student,
        )

    def _folders(self, now: Round) -> dict[str, Location]:
        first = self.store.root / "rounds" / "000"
        student = self.store.folder(now.number, "student")
        return {CONTRASTIVE: first / "judge", PLAIN: first / "baseline", "student": student}

    # dataset, evaluation, metrics

    def _finish(self, now: Round, stop_reason: str) -> None:
        """The metrics are written last: with them the round counts as finished."""
        folder = materialise(self.store, now.number, self.job.run_id)
        self.monitor.stage("evaluating")
        metrics = round_metrics(self.store, self.journal, self.job, now, stop_reason)
        metrics["test"] = self._evaluate(now)
        self.store.write_json(f"rounds/{now.number:03d}/metrics.json", metrics)
        kept = sum(metrics["accepted"].values())
        self.journal.say(f"round {now.number} done ({stop_reason}): {kept} rows kept, dataset in {folder}")

    def _evaluate(self, now: Round) -> dict[str, Any] | None:
        if not self.job.test:
            return None
        kept = self.store.kept(range(now.number + 1))
        threshold = self.job.config.denoise.near_duplicate
        names = self.job.task.label_names
        folders = {name: local_folder(folder) for name, folder in self._folders(now).items()}
        scores = evaluate_run(self.job.test, names, kept, folders, threshold)
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
            self._judge(now)
            self.monitor.stage("starting engine")
            with self.journal.timed("start", now.number):
                self.pool.start()
        return self.pool

    def _is_planned(self, now: Round, wave: int) -> bool:
        return any(part.endswith(f"part-w{wave:03d}.parquet") for part in self.store.parts(now.number, "requests"))

    def _wave_is_open(self, now: Round, wave: int) -> bool:
        return wave >= 0 and any(True for _ in self.store.open_requests(now.number, wave))

    def _unjudged(self, now: Round, wave: int) -> pa.Table:
        rows = self.store.generated(now.number)
        rows = rows.filter(pc.equal(rows["wave"], wave))
        judged = self.store.verdicts(now.number)["id"].combine_chunks()
        return rows.filter(pc.invert(pc.is_in(rows["id"], judged)))

    def _tokens_left(self) -> int | None:
        budget = self.job.config.token_budget
        return None if budget is None else max(0, budget - spent_tokens(self.store, self.journal))

    def _say_what_is_reused(self, now: Round) -> None:
        rows, parts = self.store.generated(now.number, ["id"]).num_rows, self.store.parts(now.number, "generated")
        if rows:
            left = sum(1 for _ in self.store.open_requests(now.number))
            judged = self.store.verdicts(now.number).num_rows
            self.journal.say(
                f"resumed round {now.number}: {rows} rows in {len(parts)} parts reused, {judged} of them judged, "
                f"{left} requests left"
            )


def _load_judge(folder: Location) -> Any:
    from training.contrastive import Judge

    return Judge.load(local_folder(folder))
