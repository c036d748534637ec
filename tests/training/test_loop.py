"""Training under Ray. A worker starts in about 10 s, so each test asserts several things of one run."""

import re
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from pyarrow.fs import FileSelector

from generation.location import ObjectPath
from tests.training.cases import LABELS, SEEDS, UNSEEN
from tests.training.kinds import of_kind
from training.contrastive import Judge
from training.folders import local_folder
from training.job import StudentJob, StudentResult
from training.loop import fit_judge, fit_student, fit_students
from training.predict import Student
from training.settings import StudentSettings
from training.trainer import StudentTrainer

pytestmark = pytest.mark.usefixtures("ray_session")


def wait_for(found: Callable[[], object], seconds: float = 400) -> None:
    deadline = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def train_workers() -> list[psutil.Process]:
    """This session's own training workers: only descendants of this process are looked at."""
    return [process for process in psutil.Process().children(recursive=True) if is_train_worker(process)]


def is_train_worker(process: psutil.Process) -> bool:
    """Whether it is one, and not gone since it was listed."""
    try:
        return "RayTrainWorker" in process.name() + "".join(process.cmdline())
    except psutil.NoSuchProcess:  # a zombie counts as gone
        return False


def test_a_killed_worker_resumes_on_an_object_store_and_ends_as_an_unbroken_run(
    job: StudentJob, prefix: ObjectPath, tmp_path: Path
) -> None:
    job = replace(job, settings=job.settings.model_copy(update={"steps": 12, "evaluate_every": 6}))
    unbroken = StudentTrainer(replace(job, output=tmp_path / "unbroken")).run()
    job = replace(job, output=prefix / "student")
    second = replace(job, output=prefix / "second", rows=job.dev, dev=())
    second = replace(second, settings=job.settings.model_copy(update={"steps": 2}))
    results: list[StudentResult] = []
    storage, checkpoint = prefix / "training", re.compile(r"/checkpoint_[^/]*/progress\.json$")

    def checkpoints() -> list[str]:
        infos = prefix.filesystem.get_file_info(FileSelector(storage.path, recursive=True, allow_not_found=True))
        return sorted(info.path for info in infos if checkpoint.search(info.path))

    run = threading.Thread(target=lambda: results.extend(fit_students([job, second], storage, checkpoint_seconds=0)))
    run.start()
    # two checkpoints are kept: once the first is gone, Ray has taken note of the third
    wait_for(checkpoints)
    first = checkpoints()[0]
    wait_for(lambda: first not in checkpoints())
    (worker,) = train_workers()
    worker.kill()
    run.join(timeout=400)

    assert [result.folder for result in results] == [job.output, second.output]
    assert (results[0].steps, results[0].best_step) == (unbroken.steps, unbroken.best_step)
    assert results[0].loss == pytest.approx(unbroken.loss, rel=1e-2)
    assert results[0].curve[-1].loss == pytest.approx(unbroken.curve[-1].loss, rel=1e-2)
    assert results[0].resumes >= 1
    assert results[1].steps == 2
    assert checkpoints() == []
    assert Student.load(local_folder(prefix / "student")).labels == list(LABELS)
    assert fit_student(job, storage) == results[0]


def test_two_workers_end_as_one(minilm: Path, tmp_path: Path):
    """Also where a loss remembers rows that the other worker saw. Of one label a text: tests/chaos/test_students.py."""
    jobs = [
        of_kind(kind, minilm, tmp_path / kind, steps=4, evaluate_every=2, loss="early_learning", ema=0.5)
        for kind in ("multi_label", "tags")
    ]
    together = fit_students(jobs, tmp_path / "storage", workers=2)
    for job, result in zip(jobs, together, strict=True):
        alone = StudentTrainer(replace(job, output=tmp_path / "alone" / job.kind)).run()
        assert [look.loss for look in result.curve] == pytest.approx([look.loss for look in alone.curve], rel=2e-2)


def test_finished_students_are_not_trained_again(job: StudentJob, tmp_path: Path):
    first = StudentTrainer(job).run()
    written = (job.output / "model.safetensors").stat().st_mtime_ns
    assert fit_student(job, tmp_path / "storage") == first
    assert (job.output / "model.safetensors").stat().st_mtime_ns == written


def test_the_judge_is_tuned_in_a_task(minilm: Path, tmp_path: Path):
    settings = StudentSettings(judge_steps=8)
    folder = fit_judge(SEEDS, LABELS, settings, tmp_path / "judge", minilm)
    probabilities = Judge.load(folder).probabilities([text for text, _ in UNSEEN])
    assert [LABELS[place] for place in probabilities.argmax(axis=1)] == [label for _, label in UNSEEN]
    written = (folder / "model.safetensors").stat().st_mtime_ns
    fit_judge(SEEDS, LABELS, settings, folder, minilm)
    assert (folder / "model.safetensors").stat().st_mtime_ns == written
