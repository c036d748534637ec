"""The students that judge an arm: two linear heads that take a second, and fine-tuning as the product does it."""

from __future__ import annotations

import math
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from generation.examples import split_dev
from generation.task import Example
from training.job import StudentJob, TrainingRow
from training.predict import Student
from training.trainer import StudentTrainer
from yardstick.arms import Arm, Recipe
from yardstick.cell import Cell
from yardstick.encoders import Probe, Vectors, accuracy

Score = tuple[float, float]  # percent of the test rows, seconds of training


def probe(cell: Cell, arm: Arm, recipe: Recipe) -> Score:
    """A linear head on the frozen encoder."""
    return _head(cell, cell.frozen, arm, recipe)


def head(cell: Cell, arm: Arm, recipe: Recipe) -> Score:
    """A linear head on the judge's encoder."""
    return _head(cell, cell.judge.vectors, arm, recipe)


def fine_tune(cell: Cell, arm: Arm, recipe: Recipe) -> Score:
    """The product's student: the same trainer, steps and selection for every arm that trains."""
    if not arm.trains:
        return _head(cell, cell.frozen, arm, recipe)
    settings = cell.config.student.model_copy(update=dict(arm.student))
    held = settings.dev_per_label
    seeds, dev = split_dev(cell.split.seeds, held, cell.labels) if held else (cell.split.seeds, ())
    if arm.epochs:
        steps = math.ceil(arm.epochs * len(seeds) / settings.batch_size)
        settings = settings.model_copy(update={"steps": steps})
    folder = Path(tempfile.mkdtemp(prefix="lift-"))
    try:
        job = StudentJob(
            labels=tuple(cell.labels),
            seeds=_rows(seeds),
            dev=_rows(dev),
            rows=recipe.rows,
            init_folder=cell.encoders.plain_folder if arm.start == "plain" else cell.judge.folder,
            output=folder / "student",
            settings=settings,
        )
        began = time.monotonic()
        result = StudentTrainer(job).run()
        seconds = time.monotonic() - began
        guesses, _ = Student.load(result.folder).predict([row.text for row in cell.split.real.test])
        return accuracy(guesses, cell.split.real.test), seconds
    finally:
        shutil.rmtree(folder)


TIERS: dict[str, Callable[[Cell, Arm, Recipe], Score]] = {"probe": probe, "head": head, "fine-tune": fine_tune}


def takes_judge(arm: Arm, tier: str) -> bool:
    """Whether an arm pays for contrastive tuning: for its rows, or for the encoder that it starts from."""
    return arm.judged or arm.start in ("tuned", "averaged") or (arm.start == "tier" and tier != "probe")


def _head(cell: Cell, usual: Vectors, arm: Arm, recipe: Recipe) -> Score:
    """A head on the encoder that the arm asks for, else on the `usual` one.

    Seeds weigh as much as rows; seeds to equal steps weigh as much as seeds and generated rows together.
    """
    starts = {"plain": lambda: cell.frozen, "tuned": lambda: cell.tuned.vectors, "averaged": lambda: cell.judge.vectors}
    vectors = starts.get(arm.start, lambda: usual)()
    seeds, test = cell.split.seeds, cell.split.real.test
    began = time.monotonic()
    each = (len(seeds) + len(cell.drafts)) / len(seeds) if arm.equal_steps else 1.0
    rows = [*(TrainingRow(seed.text, str(seed.label), each) for seed in seeds), *recipe.rows]
    weights = np.array([row.weight for row in rows])
    fitted = Probe.fit(vectors.of([row.text for row in rows]), [row.label for row in rows], cell.labels, weights)
    seconds = time.monotonic() - began
    return accuracy(fitted.predict(vectors.of([row.text for row in test])), test), seconds


def _rows(examples: tuple[Example, ...]) -> tuple[TrainingRow, ...]:
    return tuple(TrainingRow(example.text, str(example.label)) for example in examples)
