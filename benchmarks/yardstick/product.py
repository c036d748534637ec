"""The product itself, as a benchmark starts it: a task file of a real set, and the command."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from cluster.distilling import guideline_rows
from cluster.job import prepare
from generation.kinds import make_kind
from generation.kinds.base import Kind
from generation.task import Example, Task
from training.job import StudentJob, TrainingRow
from training.predict import Student
from training.trainer import StudentTrainer
from yardstick.sets import RealSet


def write_task(
    folder: Path, real: RealSet | Task, seeds: Iterable[Example], kind: Kind | None = None, **settings: Any
) -> Path:
    """The task file and its seeds, of single labels unless a kind is given; without a test file, so that no arm can
    look at it."""
    kind = kind or make_kind("label", [label.name for label in real.labels])
    write_rows(folder / "seeds.jsonl", kind, seeds)
    labels = [{"name": label.name, "description": label.description} for label in real.labels]
    task = {"name": real.name.replace(" ", "-"), "description": real.description, "kind": kind.name, "labels": labels}
    task["seeds"] = "seeds.jsonl"
    path = folder / "task.yaml"
    path.write_text(yaml.safe_dump(task | settings, sort_keys=False))
    return path


def write_rows(path: Path, kind: Kind, examples: Iterable[Example]) -> None:
    """Labelled examples as a task reads them."""
    path.write_text("".join(json.dumps(_item(kind, example)) + "\n" for example in examples))


def _item(kind: Kind, example: Example) -> dict[str, Any]:
    if kind.name == "tags":
        return {"tokens": example.tokens, "tags": example.tags}
    label = {"labels": kind.names_of(example)} if kind.has_several else {"label": example.label}
    return kind.parse(kind.write(example), str(example.label)) | label


def labelmill(*arguments: str) -> None:
    """The command; what it says goes to standard error. Raises CalledProcessError."""
    subprocess.run([sys.executable, "-m", "cluster", *arguments], check=True, stdout=sys.stderr)


def run_task(task: Path, run: Path, changes: Iterable[str]) -> Path:
    """Start a run or go on with it; returns its folder."""
    labelmill("run", str(task), "--run", str(run), *(part for each in changes for part in ("--set", each)))
    return run


def student_on(rows: Iterable[TrainingRow], task: Path, run: Path, output: Path, changes: Iterable[str]) -> Student:
    """The student that a finished `run` of a task would train on these rows, beside seeds and guideline."""
    job = prepare(task, list(changes))
    made = StudentJob(
        labels=tuple(job.task.label_names),
        seeds=tuple(map(TrainingRow.of, job.task.seeds)),
        rows=(*guideline_rows(job), *rows),
        kind=job.kind.name,
        init_folder=run / "rounds" / "000" / "judge" if job.kind.has_judge else job.encoder_folder,
        output=output,
        settings=job.config.student,
    )
    StudentTrainer(made if job.kind.has_judge else made.from_cold()).run()
    return Student.load(output)


def as_many(rows: Iterable[Example], wanted: Mapping[str, int]) -> list[TrainingRow]:
    """The first rows of each label, as many as are wanted (or as there are)."""
    left, chosen = Counter(wanted), []
    for row in rows:
        if left[str(row.label)] > 0:
            left[str(row.label)] -= 1
            chosen.append(TrainingRow.of(row))
    return chosen
