"""The models of a round: the judge, tuned once per run, and the student, with the baseline that saw the seeds alone."""

from __future__ import annotations

from contextlib import AbstractContextManager

from cluster.dataset import doubted_rows, training_rows
from cluster.evaluation import CONTRASTIVE, PLAIN, rows_of
from cluster.job import Job
from cluster.journal import Journal
from cluster.monitor import Monitor
from cluster.rounds import Round
from cluster.store import Store
from generation.kinds.multi_label import join
from generation.location import Location
from training.folders import is_whole
from training.job import StudentJob, TrainingRow
from training.tracker import Tracker


def guideline_rows(job: Job) -> list[TrainingRow]:
    """The guideline's sentences, as a student learns them."""
    _, guideline = job.judge_seeds()
    return [TrainingRow(text, label if isinstance(label, str) else join(label)) for text, label in guideline]


class Distilling:
    """What a run's rows are distilled into. Training needs an initialised Ray; `gpu` is a worker's share of one."""

    def __init__(self, job: Job, store: Store, journal: Journal, monitor: Monitor) -> None:
        self._job, self._store, self._journal, self._monitor = job, store, journal, monitor

    def judge(self, now: Round, gpu: float) -> Location:
        """The contrastive model, tuned on seeds and guideline once per run."""
        from training.loop import fit_judge

        folder = self._store.root / "rounds" / "000" / "judge"
        if not is_whole(folder):
            self._monitor.stage("training judge")
            names = self._job.task.label_names
            seeds, guideline = self._job.judge_seeds()
            with self._journal.timed("judge", now.number):
                settings, several = self._job.config.student, self._job.kind.has_several
                start = self._job.encoder_folder
                fit_judge(seeds, names, settings, folder, start, guideline, gpu=gpu, several=several)
        return folder

    def distil(self, now: Round, gpu: float, asleep: AbstractContextManager[None]) -> None:
        """The student on kept rows and guideline, and the plain baseline on the seeds, in one group of workers.

        Engines are `asleep` meanwhile.
        """
        from training.loop import fit_students

        start = self.judge(now, gpu) if self._job.kind.has_judge else self._job.encoder_folder
        self._monitor.stage("training student")
        rows = [*guideline_rows(self._job), *self._learnt_rows()]
        jobs = [
            self._student_job(self._job.encoder_folder, self.folders(now)[PLAIN], []),
            self._student_job(start, self.folders(now)["student"], rows),
        ]
        self._say_what_is_not_learnt(now, jobs[-1])
        with self._journal.timed("student", now.number), asleep:
            workers, storage = self._job.config.runtime.workers, self._store.root / "training"
            student = fit_students(jobs, storage, workers, gpu=gpu, tracker=self._tracker())[-1]
        if student.truncated:
            self._journal.say(
                f"warning: round {now.number}: {student.truncated:.1%} of the student's rows are longer than "
                f"student.max_length, {self._job.config.student.max_length} tokens; it learns from their beginnings"
            )

    def folders(self, now: Round) -> dict[str, Location]:
        """Where the models are that a round's student is measured with, itself among them."""
        first = self._store.root / "rounds" / "000"
        folders = {PLAIN: first / "baseline", "student": self._store.folder(now.number, "student")}
        return folders | ({CONTRASTIVE: first / "judge"} if self._job.kind.has_judge else {})

    def _tracker(self) -> Tracker | None:
        folder, name = self._job.config.runtime.mlflow, self._job.config.name
        return Tracker(self._job.path.parent / folder, name) if folder else None

    def _learnt_rows(self) -> list[TrainingRow]:
        """Kept rows under their labels or, if the settings say so, shares; then perhaps also what the judge doubts."""
        rounds, soft = self._store.rounds(), self._job.learns_shares
        rows = rows_of(training_rows(self._store, rounds), soft)
        if soft and self._job.config.student.targets == "soft_all":
            rows += rows_of(doubted_rows(self._store, rounds), soft)
        return rows

    def _say_what_is_not_learnt(self, now: Round, job: StudentJob) -> None:
        """A student cannot know a label of which it sees nothing."""
        if empty := job.labels_without_rows():
            self._journal.say(f"warning: round {now.number}: the student has no row of label {', '.join(empty)}")

    def _student_job(self, start: Location, output: Location, rows: list[TrainingRow]) -> StudentJob:
        job = StudentJob(
            labels=tuple(self._job.task.label_names),
            seeds=tuple(map(TrainingRow.of, self._job.task.seeds)),
            dev=tuple(map(TrainingRow.of, self._job.task.dev)),
            rows=tuple(rows),
            kind=self._job.kind.name,
            init_folder=start,
            output=output,
            settings=self._job.config.student,
        )
        return job.from_cold() if start == self._job.encoder_folder else job
