"""Which score tells texts that belong to no label? On clinc150's out-of-scope test rows.

    python benchmarks/out_of_scope.py --data DATA
    python benchmarks/out_of_scope.py --data DATA --no-student    # without fine-tuning: seconds

*distance* to the nearest known row, *mean_distance* to the nearest label's mean and *energy* of a head are of the plain
encoder; *fence* is their sum (training/out_of_scope.py). *student* scores are of the product's student, fine-tuned on
the same rows. Of clinc10 the test rows of the other 140 labels are a second kind of what is out of scope. Recall is
told at the bar that loses 5 % of the test rows in scope; *kept to* is what the fence's own bar loses, which has seen no
test row.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import numpy as np
import typer
from scipy.special import logsumexp, softmax
from sklearn.metrics import roc_auc_score
from yardstick.encoders import Encoders
from yardstick.sets import RealSet, Split, draw_split, read_set

from generation.errors import UserError
from generation.items import read_items
from generation.task import Example
from training.device import prepare_process
from training.job import StudentJob, TrainingRow
from training.out_of_scope import LOSS, SIGNS, Fence
from training.predict import Student
from training.settings import StudentSettings
from training.trainer import StudentTrainer

REAL_ROWS = 40  # per label beside ten seeds
ORDER = ("student max probability", "student entropy", "student energy", *SIGNS, "fence")


@dataclass(frozen=True)
class Texts:
    """What is scored: in scope, out of scope, and of other labels."""

    inside: Sequence[str]
    outside: Sequence[str]
    others: Sequence[str]


def main(
    data: Annotated[Path, typer.Option(help="folder of the real sets")],
    out: Annotated[Path, typer.Option(help="where judges are kept")] = Path("runs/lift"),
    set_: Annotated[list[str] | None, typer.Option("--set", help="clinc10, clinc150")] = None,
    k: Annotated[list[int] | None, typer.Option(help="seeds per label; 0: fifty real rows")] = None,
    split: Annotated[list[int] | None, typer.Option(help="which draws of seeds")] = None,
    student: Annotated[bool, typer.Option("--student/--no-student")] = True,
    json_: Annotated[Path | None, typer.Option("--json", help="write the figures there too")] = None,
) -> None:
    """Print a Markdown table: area under the ROC curve, and recall at 5 % loss, by set and number of rows."""
    prepare_process()
    encoders, told = Encoders(out / "judges", StudentSettings()), []
    print("| set | rows | split | score | AUROC | recall | others' AUROC | others' recall | kept to | recall there |")
    print("| --- | ---: | ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    try:
        for name in set_ or ["clinc10", "clinc150"]:
            real = read_set(name, data)
            texts = _texts(real, data)
            for each in k or [5, 10, 0]:
                for number in split or [0]:
                    found = measure(draw_split(real, each or 10, number), each == 0, texts, encoders, student)
                    told += [{"set": name, "k": each, "split": number, **figures} for figures in found]
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(2) from None
    if json_ is not None:
        json_.write_text(json.dumps(told, indent=1) + "\n")


def measure(split: Split, real: bool, texts: Texts, encoders: Encoders, student: bool) -> list[dict[str, object]]:
    """The figures of all scores, which are printed as they come."""
    rows = list(split.seeds)
    if real:
        rows += [row for label in split.labels for row in [r for r in split.rest if r.label == label][:REAL_ROWS]]
    embed = encoders.frozen.of
    fence = Fence.around(embed([row.text for row in rows]), np.array([split.labels.index(str(r.label)) for r in rows]))
    scores = {}
    for kind, listed in vars(texts).items():
        vectors = embed(listed)
        signs = dict(zip(SIGNS, fence.signs(vectors).T, strict=True))
        scores[kind] = {**signs, "fence": fence.scores(vectors)}
    if student:
        for kind, more in _of_student(split, rows, texts, encoders).items():
            scores[kind] |= more
    found = [_figures(name, scores, fence) for name in ORDER if name in scores["inside"]]
    for each in found:
        cells = " | ".join(_shown(value) for value in list(each.values())[1:])
        size = "real" if real else split.k
        print(f"| {split.real.name} | {size} | {split.number} | {each['score']} | {cells} |", flush=True)
    return found


def _figures(name: str, scores: dict[str, dict[str, np.ndarray]], fence: Fence) -> dict[str, object]:
    inside, outside, others = (scores[kind][name] for kind in ("inside", "outside", "others"))
    bar = np.quantile(inside, 1 - LOSS)
    figures: dict[str, object] = {"score": name, "auroc": _auroc(inside, outside), "recall": _over(outside, bar)}
    figures |= {"others_auroc": _auroc(inside, others), "others_recall": _over(others, bar)}
    is_fence = name == "fence"
    figures["kept_to"] = _over(inside, 0) if is_fence else None
    return figures | {"recall_there": _over(outside, 0) if is_fence else None}


def _auroc(inside: np.ndarray, outside: np.ndarray) -> float | None:
    if not len(outside):
        return None
    return float(roc_auc_score(np.repeat([0, 1], [len(inside), len(outside)]), np.concatenate([inside, outside])))


def _over(scores: np.ndarray, bar: float) -> float | None:
    return float(np.mean(scores > bar)) if len(scores) else None


def _shown(value: object) -> str:
    return "" if value is None else f"{value:.3f}"


def _of_student(
    split: Split, rows: Sequence[Example], texts: Texts, encoders: Encoders
) -> dict[str, dict[str, np.ndarray]]:
    """Scores by the student of these rows and the guideline, started from the judge as the product does."""
    made = [TrainingRow(row.text, str(row.label)) for row in rows]
    guideline = tuple(TrainingRow(row.text, str(row.label)) for row in split.task.guideline)
    with tempfile.TemporaryDirectory(prefix="out-of-scope-") as folder:
        job = StudentJob(
            labels=tuple(split.labels),
            seeds=tuple(made),
            dev=(),
            rows=guideline,
            init_folder=encoders.judge(split).folder,
            output=Path(folder) / "student",
            settings=encoders.settings,
        )
        trained = Student.load(StudentTrainer(job).run().folder)
    found = {}
    for kind, listed in vars(texts).items():
        logits = trained.classifier.logits(listed)
        shares = softmax(logits, axis=1)
        scores = (1 - shares.max(axis=1, initial=0), -(shares * np.log(shares + 1e-12)).sum(axis=1))
        found[kind] = dict(zip(ORDER[:3], (*scores, -logsumexp(logits, axis=1)), strict=True))
    return found


def _texts(real: RealSet, data: Path) -> Texts:
    names = {label.name for label in real.labels}
    outside, test = (list(read_items(data / "clinc150" / name)[1]) for name in ("oos_test.jsonl", "test.jsonl"))
    others = [row["text"] for _, row in test if row["label"] not in names]
    return Texts([row.text for row in real.test], [row["text"] for _, row in outside], others)


if __name__ == "__main__":
    typer.run(main)
