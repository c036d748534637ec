"""What does it do for rare labels? Whole real sets cut to an imbalance of 100:1, filled up by the product itself.

    python benchmarks/long_tail.py --data DATA                                 # two sets, three draws: hours
    python benchmarks/long_tail.py --data DATA --set banking77 --split 0
    python benchmarks/long_tail.py --data DATA --no-run                        # the arms without an LM: minutes

The i-th label of n keeps 100 · 100^(-i/(n-1)) of its train rows as seeds; `labelmill run` fills all labels up to the
quota (`quota_counts: rows_and_seeds`). Of every arm: recall on the test rows of the rarest and the most frequent third
of labels, means over labels and draws, and over all labels. Two kinds of students: a linear head on the encoder as it
is, and the product's student from the product's judge. `real` has real rows in the place of generated ones. Then what
a row that stands costs: tokens for frequent and rare labels, and for the first and last tenth of every label's rows;
and how many of the rows that were asked for rare labels, and of those kept under them, an oracle finds right.
Runs are kept under --out and taken up again.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

os.environ |= {"OMP_WAIT_POLICY": "PASSIVE", "KMP_BLOCKTIME": "0"}
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import numpy as np
import typer
from yardstick.encoders import PROBE_C, Encoders
from yardstick.marginal import asked_rows, first_and_last, tokens_per_row
from yardstick.product import as_many, run_task, write_task
from yardstick.sets import read_set
from yardstick.tail import Tail, cut

from cluster.dataset import training_rows
from cluster.evaluation import rows_of
from cluster.store import Store
from generation.errors import UserError
from generation.models import EMBEDDED_ENCODER, resolve_model
from training.balance import balancing
from training.contrastive import tune_judge
from training.device import prepare_process
from training.head import fit_head
from training.job import StudentJob, TrainingRow
from training.settings import StudentSettings

SETS = ("banking77", "clinc150")
QUOTA = 40


def main(
    data: Annotated[Path, typer.Option(help="folder of the real sets")],
    out: Annotated[Path, typer.Option(help="where runs are kept")] = Path("runs/long-tail"),
    set_: Annotated[list[str] | None, typer.Option("--set")] = None,
    split: Annotated[list[int] | None, typer.Option(help="which draws")] = None,
    quota: Annotated[int, typer.Option(min=2, help="rows and seeds a label")] = QUOTA,
    run: Annotated[bool, typer.Option("--run/--no-run", help="whether rows are generated")] = True,
    with_: Annotated[list[str] | None, typer.Option("--with", metavar="A.B=VALUE", help="change a setting")] = None,
) -> None:
    """Measure what is not measured yet, print Markdown tables."""
    prepare_process()
    found: dict[tuple[str, str, str], list[Mapping[str, float]]] = defaultdict(list)
    costs: dict[str, list[Mapping[str, float | None]]] = defaultdict(list)
    encoders = Encoders(out / "oracles", StudentSettings())
    try:
        for name in set_ or SETS:
            for number in split or (0, 1, 2):
                bench = Bench(cut(read_set(name, data), number), out / name / str(number), quota, encoders, with_ or [])
                for arm in ARMS if run else FREE:
                    for student in ("head", "product"):
                        found[name, student, arm].append(bench.recalls(arm, student))
                        print(name, number, student, arm, found[name, student, arm][-1], file=sys.stderr, flush=True)
                if run:
                    costs[name].append(bench.costs())
    except (UserError, subprocess.CalledProcessError) as error:
        print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(2) from None
    print(recall_table(found))
    if run:
        print(f"\n{cost_table(costs)}")


class Bench:
    """A draw, with its run and its students in a folder."""

    def __init__(self, tail: Tail, folder: Path, quota: int, encoders: Encoders, changes: Sequence[str]) -> None:
        self.tail, self.folder, self.quota, self.encoders, self.changes = tail, folder, quota, encoders, changes
        self.encoder = encoders.frozen
        folder.mkdir(parents=True, exist_ok=True)

    def recalls(self, arm: str, student: str) -> Mapping[str, float]:
        """Percent of the test, by part of the labels."""
        file = self.folder / f"{student}-{arm.replace(' ', '-')}-{self.quota}.json"
        if not file.is_file():
            seeds, rows = ARMS[arm](self)
            balance = 0.0 if arm in ("seeds", "oversampling") else 1.0
            guesses = {"head": self._head, "product": self._student}[student](seeds, rows, balance)
            parts = {"rare": self.tail.rare, "frequent": self.tail.frequent, "all": self.tail.order}
            file.write_text(json.dumps({part: self.tail.recall(guesses, labels) for part, labels in parts.items()}))
        return json.loads(file.read_text())

    def costs(self) -> Mapping[str, float | None]:
        """Tokens for each row that stands."""
        rows, tail = asked_rows(Store(self.made)), self.tail
        ends = first_and_last(rows, tail.labels) or (None, None)
        wanted = [label for label in tail.labels if self._missing(label) > 0]
        return {
            "frequent": tokens_per_row(rows, [label for label in wanted if label not in tail.rare]),
            "rare": tokens_per_row(rows, tail.rare),
            "first": ends[0],
            "last": ends[1],
            "rows": float(sum(row.stands for row in rows)),
            "filled": 100 * float(np.mean([self._filled(label) for label in wanted])),
            **self._right(),
        }

    def _right(self) -> dict[str, float]:
        """Percent of the rows asked for rare labels, and of those kept under them, that the oracle finds to be of that
        label.
        """
        oracle, rare = self.encoders.oracle(self.tail.real), set(self.tail.rare)
        rows = Store(self.made).generated(0, ["text", "intended_label"])
        asked = list(zip(rows["text"].to_pylist(), rows["intended_label"].to_pylist(), strict=True))
        parts = {"asked": asked, "kept": [(row.text, row.label) for row in self.kept]}
        found = {}
        for name, every in parts.items():
            mine = [(text, label) for text, label in every if label in rare]
            true = oracle.predict(self.encoder.of([text for text, _ in mine]))
            found[name] = 100 * float(np.mean([one == label for one, (_, label) in zip(true, mine, strict=True)]))
        return found

    @cached_property
    def kept(self) -> list[TrainingRow]:
        """The product's rows."""
        store = Store(self.made)
        return rows_of(training_rows(store, store.rounds()), False)

    @cached_property
    def made(self) -> Path:
        """The finished run."""
        settings = {"quota": self.quota, "quota_counts": "rows_and_seeds", "student": {"balance": 1.0}}
        task = write_task(self.folder, self.tail.real, self.tail.seeds, **settings)
        return run_task(task, self.folder / f"run-{self.quota}", self.changes)

    @cached_property
    def judge(self) -> Path:
        """The product's judge of these seeds."""
        folder = self.folder / "judge"
        if not folder.is_dir():
            seeds = [(row.text, str(row.label)) for row in self.tail.seeds]
            start, settings = resolve_model(EMBEDDED_ENCODER), StudentSettings()
            guideline = [(row.text, row.label) for row in self.guideline()]
            tune_judge(seeds, self.tail.labels, settings, folder, start, guideline)
        return folder

    def seeds(self) -> list[TrainingRow]:
        return [TrainingRow.of(row) for row in self.tail.seeds]

    def guideline(self) -> list[TrainingRow]:
        """One sentence a label."""
        return [TrainingRow(label.description, label.name) for label in self.tail.real.labels]

    def oversampled(self) -> list[TrainingRow]:
        """Seeds again and again, until every label has as many as the most frequent one."""
        by_label: dict[str, list[TrainingRow]] = defaultdict(list)
        for row in self.seeds():
            by_label[row.label].append(row)
        most = max(map(len, by_label.values()))
        return [rows[place % len(rows)] for rows in by_label.values() for place in range(most)]

    def real(self) -> list[TrainingRow]:
        """As many real rows of every label as the product's run kept."""
        return as_many(self.tail.rest, Counter(row.label for row in self.kept))

    def _missing(self, label: str) -> int:
        return max(0, self.quota - sum(row.label == label for row in self.tail.seeds))

    def _filled(self, label: str) -> float:
        return min(1.0, sum(row.label == label for row in self.kept) / self._missing(label))

    def _head(self, seeds: list[TrainingRow], rows: list[TrainingRow], balance: float) -> list[str]:
        labels, every = self.tail.labels, [*seeds, *rows]
        targets = np.array([labels.index(row.label) for row in every])
        weights = np.array([row.weight for row in every])
        weights = weights * balancing(targets, balance, weights)
        weight, bias = fit_head(self.encoder.of([row.text for row in every]), targets, len(labels), PROBE_C, weights)
        seen = self.encoder.of([row.text for row in self.tail.real.test])
        return [labels[place] for place in (seen @ weight.T + bias).argmax(axis=1)]

    def _student(self, seeds: list[TrainingRow], rows: list[TrainingRow], balance: float) -> list[str]:
        from training.predict import Student
        from training.trainer import StudentTrainer

        with tempfile.TemporaryDirectory() as scratch:
            job = StudentJob(
                labels=tuple(self.tail.labels),
                seeds=tuple(seeds),
                rows=tuple(rows),
                init_folder=self.judge,
                output=Path(scratch) / "student",
                settings=StudentSettings(balance=balance),
            )
            StudentTrainer(job).run()
            return list(Student.load(job.output).predict([row.text for row in self.tail.real.test])[0])


Rows = tuple[list[TrainingRow], list[TrainingRow]]  # seeds, and what is learnt beside them
FREE: dict[str, Callable[[Bench], Rows]] = {
    "seeds": lambda bench: (bench.seeds(), []),
    "class weights": lambda bench: (bench.seeds(), []),
    "oversampling": lambda bench: (bench.oversampled(), []),
    "guideline": lambda bench: (bench.seeds(), bench.guideline()),
}
ARMS = FREE | {
    "labelmill": lambda bench: (bench.seeds(), [*bench.guideline(), *bench.kept]),
    "real": lambda bench: (bench.seeds(), [*bench.guideline(), *bench.real()]),
}


def recall_table(found: Mapping[tuple[str, str, str], Sequence[Mapping[str, float]]]) -> str:
    """Means over draws, and how far the rare labels' go."""
    lines = [
        "| set | student | arm | draws | rare | - class weights | frequent | all |",
        f"| --- | --- | --- |{' ---: |' * 5}",
    ]
    for (name, student, arm), each in found.items():
        rare = [one["rare"] for one in each]
        base = [one["rare"] for one in found[name, student, "class weights"]]
        gains = [one - other for one, other in zip(rare, base, strict=True)]
        gain = f"{np.mean(gains):+.1f} [{min(gains):+.1f}, {max(gains):+.1f}]" if arm != "class weights" else ""
        rest = " | ".join(f"{np.mean([one[part] for one in each]):.1f}" for part in ("frequent", "all"))
        lines.append(f"| {name} | {student} | {arm} | {len(each)} | {np.mean(rare):.1f} | {gain} | {rest} |")
    return "\n".join(lines)


def cost_table(costs: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """Means over draws."""
    parts = ("rows", "filled", "frequent", "rare", "first", "last", "asked", "kept")
    names = ("rows", "filled, %", "tokens, more frequent", "rare", "first tenth", "last tenth")
    names += ("rare right, % as asked", "as kept")
    lines = [f"| set | {' | '.join(names)} |", f"| --- |{' ---: |' * len(names)}"]
    for name, each in costs.items():
        values = ([one[part] for one in each if one[part] is not None] for part in parts)
        lines.append(f"| {name} | {' | '.join(f'{np.mean(value):,.0f}' if value else '' for value in values)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    typer.run(main)
