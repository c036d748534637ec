"""The same verbs from Python: `from cluster import Run`."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pyarrow as pa

from cluster.dataset import read_dataset
from cluster.evidence.of_run import Evidence
from cluster.job import Job, check_identity, example_prompts, gpu_count, prepare
from cluster.live import View, make_view
from cluster.promotion import promoted_student
from cluster.quiet import chatter_to
from cluster.report_page import write_report
from cluster.spec import plan_engines
from cluster.status import Status, read_status
from cluster.store import Store
from cluster.task_of_run import job_of
from generation.errors import UserError
from generation.examples import read_examples
from generation.location import Location, ObjectPath
from generation.models import cache_dir
from generation.parts import write_bytes
from generation.records import digest


class Run(Evidence):
    """A run directory and its task.

    `Run("task.yaml")` is the run that `labelmill run task.yaml` would start or resume; `Run.open(folder)` looks at
    one that exists. Tables come as Arrow.
    """

    def __init__(
        self,
        task: Path | str,
        folder: Location | str | None = None,
        overrides: Sequence[str] | None = None,
        allow_code: bool = False,
    ) -> None:
        self.job: Job | None = prepare(Path(task), list(overrides or []), allow_code)
        self.store = Store(folder or Path("runs") / self.job.config.name)
        if self.store.exists:
            check_identity(self.job, self.store.run(), self.store.root)

    @classmethod
    def named(cls, name: Path | str, folder: Location | str | None = None, overrides: Sequence[str] = ()) -> Run:
        """By a task file or, without a `folder`, by a run directory that knows its task. Raises UserError."""
        if folder is not None or not (run := cls.__new__(cls)._at(name)).store.exists:
            return cls(Path(name), folder, overrides)
        run.job = job_of(run.store, changes=overrides, otherwise=f"name the file, with --run {run.store.root}")
        return run

    def _at(self, folder: Location | str) -> Run:
        self.job, self.store = None, Store(folder)
        return self

    @classmethod
    def open(cls, folder: Location | str) -> Run:
        """A run directory that exists, without its task: for looking, not for running. Raises UserError."""
        run = cls.__new__(cls)._at(folder)
        run.store.run()
        return run

    def run(self, view: View | None = None, quiet: bool = False) -> Run:
        """Start or resume, and return when done. A plain view writes to standard error. Raises UserError, Fault.

        `quiet`: what libraries write to standard error goes into `driver_log`; for a live view, and for notebooks.
        """
        from cluster.flywheel import Flywheel

        self.make_folder()
        with chatter_to(self.driver_log) if quiet else nullcontext() as stream, view or make_view(stream) as shown:
            Flywheel(self._job, self.store, shown).run()
        return self

    def make_folder(self) -> Location:
        """Make the run directory if it is not there; returns it. Raises UserError when the run cannot start here."""
        # a run that exists may need no engine any more; that one can be had is seen before it starts, as on a cluster
        if not self.store.exists and self._job.config.runtime.address is None:
            plan_engines(self._job, gpu_count())
        make_folder(self.store)
        return self.store.root

    @property
    def driver_log(self) -> Path:
        """Where libraries' chatter goes: into a local run directory, else into this machine's cache."""
        if isinstance(self.store.root, Path):
            return self.store.root / "driver.log"
        logs = cache_dir() / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        return logs / f"{digest(self.store.address)}.log"

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is odd about the task, though it can run."""
        return self._job.warnings

    def prompts(self) -> dict[str, str]:
        """A rendered prompt per label, as a first wave would ask; nothing is started."""
        return example_prompts(self._job)

    def preview(self, count: int = 5) -> tuple[dict[str, str], pa.Table]:
        """A rendered prompt per label, and `count` rows per label from a live engine; nothing is kept of it."""
        from cluster.preview import preview_rows

        return preview_rows(self._job, count)

    def estimate(self) -> dict[str, Any]:
        """Expected requests, rows, tokens and minutes; nothing is started."""
        from cluster.estimate import estimate

        return estimate(self._job)

    def status(self) -> Status:
        """Where the run stands, from what is committed."""
        return read_status(self.store)

    def report(self, form: str = "html") -> Location:
        """Write report.html anew, or report.md or report.json, and return its place."""
        return write_report(self.store, form)

    def predict(self, texts: Sequence[str]) -> pa.Table:
        """Columns `text`, those of the kind of task, and `confidence`, by the promoted student.

        `label`; of several labels `labels`; of tagged texts `tokens` and `tags`. Raises UserError without a student.
        """
        folder = self.student  # missing, it is missed before torch is loaded
        from training.folders import local_folder
        from training.predict import Student

        return pa.table({"text": list(texts), **Student.load(local_folder(folder)).columns(texts)})

    def predict_file(self, path: Path | str) -> pa.Table:
        """The same for a file (JSON, JSONL, CSV or Parquet) of texts, or of pairs where the run's task has pairs."""
        kind = self.store.run().get("kind", "label")
        return self.predict([row.text for row in read_examples(Path(path), None, kind)])

    @property
    def student(self) -> Location:
        """Folder of the promoted student, in Hugging Face form."""
        if (folder := promoted_student(self.store)) is not None:
            return folder
        raise UserError(f"{self.store.root}: has no student yet; `labelmill run` makes one")

    def dataset(self, version: str | None = None) -> pa.Table:
        """The dataset (`dataset_schema` of its kind of task) of a version such as "v000", or the newest."""
        if not (self.store.root / "dataset" / "latest").is_file():
            raise UserError(f"{self.store.root}: has no dataset yet; `labelmill run` makes one")
        return read_dataset(self.store, version)

    def rows(self) -> pa.Table:
        """All generated rows (ROW_SCHEMA)."""
        return pa.concat_tables(self.store.generated(number) for number in self.store.rounds())

    def requests(self) -> pa.Table:
        """All planned requests (REQUEST_SCHEMA)."""
        return pa.concat_tables(self.store.requests(number) for number in self.store.rounds())

    def verdicts(self) -> pa.Table:
        """The verdict that holds for each row (VERDICT_SCHEMA)."""
        return pa.concat_tables(self.store.verdicts(number) for number in self.store.rounds())

    def metrics(self, number: int | None = None) -> dict[str, Any] | None:
        """metrics.json of a round, or of the newest finished one."""
        numbers = self.store.rounds() if number is None else [number]
        found = [self.store.read_json(f"rounds/{each:03d}/metrics.json") for each in numbers]
        return next((metrics for metrics in reversed(found) if metrics), None)

    @property
    def _job(self) -> Job:
        if self.job is None:
            raise UserError(f"{self.store.root}: was opened without its task; use Run(TASK)")
        return self.job


def make_folder(store: Store) -> None:
    """Make the run directory. Raises UserError when it cannot be made or written to."""
    root = store.root
    if isinstance(root, ObjectPath):
        write_bytes(store.filesystem, (root / ".write-probe").path, b"")
        store.filesystem.delete_file((root / ".write-probe").path)
        return
    try:
        root.mkdir(parents=True, exist_ok=True)
        probe = root / ".write-probe"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise UserError(f"{root}: cannot be written to: {error.strerror}") from None
