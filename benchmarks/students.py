"""Which loss learns best from wrong labels? Real rows with planted noise, learnt with each loss.

    python benchmarks/students.py --data DATA                      # 135 linear heads, a few minutes
    python benchmarks/students.py --data DATA --tier fine-tune     # as many students, an hour or two
    python benchmarks/students.py --data DATA --tier fine-tune --set banking10 --noise 0.4 --seed 0     # five of them

A student learns from real rows of ten labels, of which so large a share got another label at random, beside clean
seeds, and starts from the plain encoder: tier `head` fits a linear head on it as it is (as `student.loss: auto` does),
`fine-tune` is the product's trainer. The teacher of soft labels knows the clean seeds alone: a logistic head in the
first tier, the judge in the second. Every finished figure is kept under --out and not made again.
"""

from __future__ import annotations

import json
import os
import random
import statistics
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

os.environ |= {"OMP_WAIT_POLICY": "PASSIVE", "KMP_BLOCKTIME": "0"}
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch
import typer
from scipy.special import softmax
from torch.nn.functional import normalize
from yardstick.options import changed
from yardstick.sets import SETS, RealSet, Split, draw_split, read_set

from generation.errors import UserError
from generation.models import EMBEDDED_ENCODER, resolve_model
from generation.records import digest
from generation.task import Example
from training.contrastive import tune_judge
from training.device import prepare_process
from training.folders import is_whole
from training.head import fit_head, sharpen
from training.job import StudentJob, TrainingRow
from training.losses import LOSSES
from training.predict import Student
from training.search import Seen, see, try_loss
from training.settings import StudentSettings
from training.students.sequence_classification import SequenceClassifier
from training.trainer import StudentTrainer

VERSION = 1  # raise it when what a figure means changes
PLAIN = "cross_entropy"
TIERS, _SETS = ("head", "fine-tune"), ("banking10", "clinc10", "tune-home")
_TEACHER_C = 10.0


def main(
    data: Annotated[Path, typer.Option(help="folder of the real sets")],
    out: Annotated[Path, typer.Option(help="where finished students' scores are kept")] = Path("runs/students"),
    tier: Annotated[str, typer.Option(help="head or fine-tune")] = "head",
    set_: Annotated[list[str] | None, typer.Option("--set", help=f"of {', '.join(SETS)}")] = None,
    noise: Annotated[list[float] | None, typer.Option(help="share of rows with another label")] = None,
    seed: Annotated[list[int] | None, typer.Option(help="draws of rows, noise and batches")] = None,
    loss: Annotated[list[str] | None, typer.Option(help=f"of {', '.join(LOSSES)}, auto")] = None,
    k: Annotated[int, typer.Option(min=1, max=10, help="clean seeds per label")] = 5,
    rows: Annotated[int, typer.Option(min=1, help="noisy rows per label")] = 20,
    epochs: Annotated[int, typer.Option(min=1, help="of fine-tuning")] = 6,
    with_: Annotated[list[str] | None, typer.Option("--with", metavar="A=VALUE", help="change student.A")] = None,
) -> None:
    """Train what is not trained yet, and print a Markdown table of differences to plain cross-entropy."""
    prepare_process()
    changes = changed(StudentSettings, "--with", with_).model_dump(exclude_unset=True)
    names = list(dict.fromkeys([PLAIN, *(loss or LOSSES)]))
    found: dict[tuple[str, float, str], list[float]] = defaultdict(list)
    try:
        if tier not in TIERS:
            raise UserError(f"--tier: must be one of {', '.join(TIERS)}; got {tier!r}")
        for name in set_ or _SETS:
            real = read_set(name, data)
            bench = Heads(real, changes) if tier == "head" else FineTuned(epochs, out, changes)
            for number in seed if seed is not None else (0, 1, 2):
                split = draw_split(real, k, number)
                for share in noise if noise is not None else (0.0, 0.2, 0.4):
                    noisy = planted(split, rows, share)
                    for each in names:
                        accuracy = kept_or_made(bench, split, noisy, each, out / "cells")
                        found[name, share, each].append(accuracy)
                        print(f"{name} noise {share} seed {number} {each}: {accuracy:.1f}", file=sys.stderr, flush=True)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(2) from None
    print(table(found, names))


def planted(split: Split, rows: int, share: float) -> tuple[TrainingRow, ...]:
    """So many real rows of each label, a `share` of them under another label, drawn with the split's number."""
    draw = random.Random(f"{split.real.name} {split.number} {share}")
    left, chosen = dict.fromkeys(split.labels, rows), list[Example]()
    for row in split.rest:
        if left[str(row.label)]:
            left[str(row.label)] -= 1
            chosen.append(row)
    wrong = set(draw.sample(range(len(chosen)), round(share * len(chosen))))
    return tuple(
        TrainingRow(row.text, draw.choice([each for each in split.labels if each != row.label]))
        if place in wrong
        else TrainingRow(row.text, str(row.label))
        for place, row in enumerate(chosen)
    )


def kept_or_made(
    bench: Heads | FineTuned, split: Split, noisy: tuple[TrainingRow, ...], loss: str, kept: Path
) -> float:
    """Percent of the test rows that are right."""
    settings = bench.settings(split, noisy, loss)
    key = (VERSION, type(bench).__name__, split.real.test_digest, [*map(TrainingRow.of, split.seeds)], noisy)
    file = kept / f"{digest(*key, settings.model_dump(mode='json'))}.json"
    if not file.is_file():
        kept.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(100 * bench.accuracy(split, noisy, settings)))
    return json.loads(file.read_text())


class Heads:
    """Linear heads on the plain encoder, which reads each row of a set once."""

    def __init__(self, real: RealSet, changes: dict[str, Any]) -> None:
        self.changes = changes
        labels = [label.name for label in real.labels]
        self.student = SequenceClassifier.start(resolve_model(EMBEDDED_ENCODER), labels, 128, seed=0)
        self._read: dict[str, torch.Tensor] = {}

    def settings(self, split: Split, noisy: tuple[TrainingRow, ...], loss: str) -> StudentSettings:
        return StudentSettings.model_validate(self.changes | {"loss": loss, "seed": split.number})

    def accuracy(self, split: Split, noisy: tuple[TrainingRow, ...], settings: StudentSettings) -> float:
        seeds = self._see([TrainingRow.of(row) for row in split.seeds])
        rows, test = self._see(noisy), self._see([TrainingRow.of(row) for row in split.real.test])
        told = self._teacher(seeds, rows)
        taught = [each._replace(teacher=part) for each, part in zip(rows, torch.split(told, 1), strict=True)]
        return float(try_loss(settings, self.student, settings.loss, [*taught, *seeds], test).mean())

    def _see(self, rows: Sequence[TrainingRow]) -> list[Seen]:
        if new := [row for row in rows if row.text not in self._read]:
            self._read |= {each.row.text: each.features for each in see(self.student, new)}
        none, columns = torch.full((1, self.student.ways), torch.nan), self.student.columns
        return [Seen(row, self._read[row.text], torch.tensor([columns.index(row.label)]), none) for row in rows]

    def _teacher(self, seeds: Sequence[Seen], rows: Sequence[Seen]) -> torch.Tensor:
        """What a logistic head on the seeds says of rows, float32 [n, labels]."""
        known, asked = (normalize(torch.cat([each.features for each in part])).numpy() for part in (seeds, rows))
        targets = torch.cat([each.targets for each in seeds]).numpy()
        weight, bias = sharpen(*fit_head(known, targets, len(self.student.columns), _TEACHER_C), known)
        return torch.from_numpy(softmax(asked @ weight.T + bias, axis=1)).float()


class FineTuned:
    """Students of the product's trainer."""

    def __init__(self, epochs: int, out: Path, changes: dict[str, Any]) -> None:
        self.epochs, self.out, self.changes = epochs, out, changes

    def settings(self, split: Split, noisy: tuple[TrainingRow, ...], loss: str) -> StudentSettings:
        steps = self.epochs * (len(noisy) + len(split.seeds)) // StudentSettings().batch_size
        chosen = {"loss": loss, "seed": split.number, "seed_weight": 1, "steps": steps}
        return StudentSettings.model_validate(self.changes | chosen)

    def accuracy(self, split: Split, noisy: tuple[TrainingRow, ...], settings: StudentSettings) -> float:
        seeds, start = tuple(map(TrainingRow.of, split.seeds)), resolve_model(EMBEDDED_ENCODER)
        with tempfile.TemporaryDirectory(prefix="students-") as folder:
            output, teacher = Path(folder) / "student", judge(split, self.out / "judges")
            StudentTrainer(
                StudentJob(tuple(split.labels), seeds, start, output, settings, noisy, teacher=teacher)
            ).run()
            guesses, _ = Student.load(output).predict([row.text for row in split.real.test])
        return sum(guess == row.label for guess, row in zip(guesses, split.real.test, strict=True)) / len(guesses)


def judge(split: Split, judges: Path) -> Path:
    """The judge of a split's clean seeds."""
    settings = StudentSettings()
    names = {name: value for name, value in settings.model_dump(mode="json").items() if name.startswith("judge")}
    folder = judges / digest([[row.text, row.label] for row in split.seeds], names)
    if not is_whole(folder):
        pairs = [(row.text, str(row.label)) for row in split.seeds]
        folder.parent.mkdir(parents=True, exist_ok=True)
        tune_judge(pairs, split.labels, settings, folder, resolve_model(EMBEDDED_ENCODER))
    return folder


def table(found: dict[tuple[str, float, str], list[float]], names: Sequence[str]) -> str:
    """Mean accuracy of plain cross-entropy, and each other loss's difference to it, paired by seed, with its range."""
    others = [name for name in names if name != PLAIN]
    lines = [f"| set | noise | seeds | {PLAIN} | {' | '.join(others)} |", f"| --- |{' ---: |' * (3 + len(others))}"]
    for name, share in dict.fromkeys((name, share) for name, share, _ in found):
        plain = found[name, share, PLAIN]
        cells = []
        for other in others:
            gains = [each - base for each, base in zip(found[name, share, other], plain, strict=True)]
            cells.append(f"{statistics.mean(gains):+.1f} [{min(gains):+.1f}, {max(gains):+.1f}]")
        lines.append(f"| {name} | {share:.0%} | {len(plain)} | {statistics.mean(plain):.1f} | {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    typer.run(main)
