"""Which loss learns best from wrong labels? Real rows with planted noise, fine-tuned with each loss.

    python benchmarks/students.py --data DATA                          # 135 students, some hours on two cores
    python benchmarks/students.py --data DATA --set banking10 --noise 0.4 --seed 0    # five students, minutes

A student starts from the plain encoder and learns from real rows of ten labels, of which so large a share got another
label at random, beside clean seeds; the teacher of soft labels is the judge of the same seeds. Every finished student
is kept under --out and not trained again.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import statistics
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

os.environ |= {"OMP_WAIT_POLICY": "PASSIVE", "KMP_BLOCKTIME": "0"}
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import typer
from yardstick.sets import SETS, Split, draw_split, read_set

from generation.errors import UserError
from generation.models import EMBEDDED_ENCODER, resolve_model
from generation.records import digest
from generation.task import Example
from training.contrastive import tune_judge
from training.device import prepare_process
from training.folders import is_whole
from training.job import StudentJob, TrainingRow
from training.losses import LOSSES
from training.measures.scores import assess
from training.predict import Student
from training.settings import StudentSettings
from training.trainer import StudentTrainer

VERSION = 1  # raise it when what a figure means changes
PLAIN = "cross_entropy"
_SETS = ("banking10", "tune-home", "clinc10")


def main(
    data: Annotated[Path, typer.Option(help="folder of the real sets")],
    out: Annotated[Path, typer.Option(help="where finished students' scores are kept")] = Path("runs/students"),
    set_: Annotated[list[str] | None, typer.Option("--set", help=f"of {', '.join(SETS)}")] = None,
    noise: Annotated[list[float] | None, typer.Option(help="share of rows with another label")] = None,
    seed: Annotated[list[int] | None, typer.Option(help="draws of rows, noise and batches")] = None,
    loss: Annotated[list[str] | None, typer.Option(help=f"of {', '.join(LOSSES)}, auto")] = None,
    k: Annotated[int, typer.Option(min=1, max=10, help="clean seeds per label")] = 5,
    rows: Annotated[int, typer.Option(min=1, help="noisy rows per label")] = 20,
    epochs: Annotated[int, typer.Option(min=1)] = 6,
) -> None:
    """Train what is not trained yet, and print a Markdown table of differences to plain cross-entropy."""
    prepare_process()
    names = list(dict.fromkeys([PLAIN, *(loss or LOSSES)]))
    found: dict[tuple[str, float, str], list[dict[str, float]]] = defaultdict(list)
    try:
        for name in set_ or _SETS:
            real = read_set(name, data)
            for number in seed if seed is not None else (0, 1, 2):
                split = draw_split(real, k, number)
                for share in noise if noise is not None else (0.0, 0.2, 0.4):
                    noisy = planted(split, rows, share)
                    for each in names:
                        found[name, share, each].append(measure(split, noisy, each, epochs, out))
                        print(f"{name} noise {share} seed {number} {each}: {found[name, share, each][-1]}", flush=True)
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


def measure(split: Split, noisy: tuple[TrainingRow, ...], loss: str, epochs: int, out: Path) -> dict[str, float]:
    """Percent of the test rows that are right, and the calibration error, of one student."""
    seeds = tuple(map(TrainingRow.of, split.seeds))
    settings = StudentSettings(loss=loss, seed=split.number, seed_weight=1)  # type: ignore[arg-type]
    steps = epochs * (len(noisy) + len(seeds)) // settings.batch_size
    settings = settings.model_copy(update={"steps": steps})
    key = digest(VERSION, split.real.test_digest, seeds, noisy, settings.model_dump(mode="json"))
    kept = out / "cells" / f"{key}.json"
    if not kept.is_file():
        kept.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix="students-"))
        start, teacher = resolve_model(EMBEDDED_ENCODER), judge(split, out)
        job = StudentJob(tuple(split.labels), seeds, start, folder / "student", settings, noisy, teacher=teacher)
        result = StudentTrainer(job).run()
        scores = assess(Student.load(result.folder), [TrainingRow.of(row) for row in split.real.test])
        shutil.rmtree(folder)
        figures = {"accuracy": 100 * scores["accuracy"], "ece": scores["calibration"]["ece"], "seconds": result.seconds}
        kept.write_text(json.dumps(figures | {"loss": result.loss_name}))
    return json.loads(kept.read_text())


def judge(split: Split, out: Path) -> Path:
    """The judge of a split's clean seeds."""
    settings = StudentSettings()
    names = {name: value for name, value in settings.model_dump(mode="json").items() if name.startswith("judge")}
    folder = out / "judges" / digest([[row.text, row.label] for row in split.seeds], names)
    if not is_whole(folder):
        pairs = [(row.text, str(row.label)) for row in split.seeds]
        folder.parent.mkdir(parents=True, exist_ok=True)
        tune_judge(pairs, split.labels, settings, folder, resolve_model(EMBEDDED_ENCODER))
    return folder


def table(found: dict[tuple[str, float, str], list[dict[str, float]]], names: Sequence[str]) -> str:
    """Mean accuracy of plain cross-entropy, and each other loss's difference to it, paired by seed, with its range."""
    others = [name for name in names if name != PLAIN]
    lines = [f"| set | noise | seeds | {PLAIN} | {' | '.join(others)} |", f"| --- |{' ---: |' * (3 + len(others))}"]
    for name, share in dict.fromkeys((name, share) for name, share, _ in found):
        plain = [each["accuracy"] for each in found[name, share, PLAIN]]
        cells = []
        for other in others:
            gains = [each["accuracy"] - base for each, base in zip(found[name, share, other], plain, strict=True)]
            cells.append(f"{statistics.mean(gains):+.1f} [{min(gains):+.1f}, {max(gains):+.1f}]")
        lines.append(f"| {name} | {share:.0%} | {len(plain)} | {statistics.mean(plain):.1f} | {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    typer.run(main)
