"""What do rows of a better LM than the embedded one teach a student of tags? Those of ProgGen (Heng et al. 2024).

    python benchmarks/span_students.py --data DATA          # three sets: half an hour
    python benchmarks/span_students.py --data DATA --set "wiki, simple" --student cold_steps=100

The product's student at its defaults on a few seeds of people alone, and beside them on `--rows` rows as the LM tagged
them, as it corrected them, and on as many rows of people. F1 of spans on people's test rows. Every finished figure is
kept under --out and not made again.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

os.environ |= {"OMP_WAIT_POLICY": "PASSIVE", "KMP_BLOCKTIME": "0"}
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import numpy as np
import typer
from noises.tagged import CELLS, TaggedCell, read_cell
from yardstick.options import changed

from denoise.noise.tagging import NOBODY, Tagged
from generation.errors import UserError
from generation.models import EMBEDDED_ENCODER, resolve_model
from generation.records import digest
from training.device import prepare_process
from training.job import StudentJob, TrainingRow
from training.measures.scores import score
from training.predict import Student
from training.settings import StudentSettings
from training.trainer import StudentTrainer

SETS = ("restaurant, simple", "movie, diverse", "wiki, simple")
ARMS = ("seeds alone", "as the LM tagged them", "as the LM corrected them", "people's rows")


def main(
    data: Annotated[Path, typer.Option(help="folder of the real sets")],
    out: Annotated[Path, typer.Option(help="where finished figures are kept")] = Path("runs/span-students"),
    set_: Annotated[list[str] | None, typer.Option("--set", help=f"of {'; '.join(CELLS)}")] = None,
    arm: Annotated[list[str] | None, typer.Option(help=f"of {'; '.join(ARMS)}")] = None,
    rows: Annotated[int, typer.Option(min=1)] = 400,
    student: Annotated[list[str] | None, typer.Option(metavar="A=VALUE", help="change a setting of students")] = None,
) -> None:
    """Train what is not trained yet, print a Markdown table."""
    prepare_process()
    out.mkdir(parents=True, exist_ok=True)
    settings = changed(StudentSettings, "--student", student)
    try:
        print("| set | seeds | rows beside them | micro-F1 | macro-F1 |\n| --- | ---: | --- | ---: | ---: |")
        for name in set_ or SETS:
            cell = read_cell(name, data, out)
            for each in arm or ARMS:
                found = scores(cell, each, rows, settings, out)
                micro, macro = (f"{100 * found[metric]:.1f}" for metric in ("micro_f1", "macro_f1"))
                low, high = (100 * end for end in found["intervals"]["micro_f1"])
                seeds = len(cell.seeds.words)
                print(f"| {name} | {seeds} | {each} | {micro} [{low:.1f}, {high:.1f}] | {macro} |", flush=True)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(2) from None


def scores(cell: TaggedCell, arm: str, count: int, settings: StudentSettings, out: Path) -> dict[str, Any]:
    """Those of a student on a set's test rows, as in metrics.json."""
    file = out / f"{digest(cell.name, arm, count, settings.model_dump(mode='json'))}.json"
    if not file.is_file():
        learnt, test = learnt_of(cell, arm, count), training_rows(cell.test)
        with tempfile.TemporaryDirectory() as scratch:
            start, output = resolve_model(EMBEDDED_ENCODER), Path(scratch) / "student"
            seeds, rows = (tuple(training_rows(part)) for part in (cell.seeds, learnt))
            job = StudentJob(tuple(cell.slots), seeds, start, output, settings, rows, kind="tags")
            StudentTrainer(job.from_cold()).run()
            student = Student.load(output)
            guesses = student.predict([student.classifier.input_of(row) for row in test])[0]
        file.write_text(json.dumps(score("tags", test, guesses, cell.slots)))
    return json.loads(file.read_text())


def learnt_of(cell: TaggedCell, arm: str, count: int) -> Tagged:
    """`count` rows of an arm, by chance: the same ones of the LM before and after it corrected them."""
    part = {ARMS[0]: NOBODY, ARMS[1]: cell.raw, ARMS[2]: cell.corrected, ARMS[3]: cell.human}[arm]
    return part.at(np.random.default_rng(0).permutation(len(part.words))[:count])


def training_rows(rows: Tagged) -> list[TrainingRow]:
    """At weight 1."""
    return [_row(words, tags) for words, tags in zip(*rows, strict=True)]


def _row(words: Sequence[str], tags: Sequence[str]) -> TrainingRow:
    return TrainingRow(" ".join(words), "", 1.0, tuple(words), tuple(tags))


if __name__ == "__main__":
    typer.run(main)
