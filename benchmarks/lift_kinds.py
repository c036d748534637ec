"""Does generated data lift students of pairs, of several labels and of tags? The product itself, on real test sets.

    python benchmarks/lift_kinds.py --data DATA                                # four sets, one draw: an hour or two
    python benchmarks/lift_kinds.py --data DATA --set nlupp_banking --split 0
    python benchmarks/lift_kinds.py --data DATA --set crossner_music --student cold_steps=100   # on the same rows

From `--k` seeds of each label the product runs one round of about `--rows` rows at its defaults. Beside its student:
`plain` and `judge`, the product's own baselines (fine-tuned on the seeds, and contrastively tuned on them; tags have no
judge), `no rows`, its student of the same steps without generated rows, and `real`, the same on as many real rows as
were kept. No arm reads the test for anything else. Runs are kept under --out and taken up again. With --student the
product's student, `no rows` and `real` are trained anew, on the rows of the same run, with other settings.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Annotated, Any

os.environ |= {"OMP_WAIT_POLICY": "PASSIVE", "KMP_BLOCKTIME": "0"}
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import numpy as np
import typer
from yardstick.kinds import KIND_SETS, KindSplit
from yardstick.product import run_task, student_on, write_rows, write_task

from cluster.dataset import training_rows
from cluster.evaluation import CONTRASTIVE, PLAIN, rows_of
from cluster.store import Store
from generation.errors import UserError
from generation.records import digest
from training.device import prepare_process
from training.job import TrainingRow
from training.measures.scores import score

LONG = {"crossner_music": ["generation.exemplars=5"], "crossner_politics": ["generation.exemplars=5"]}  # sentences
METRICS = ("accuracy", "micro_f1", "macro_f1")
ARMS = ("plain", "judge", "no rows", "labelmill", "real")


def main(
    data: Annotated[Path, typer.Option(help="folder of the real sets")],
    out: Annotated[Path, typer.Option(help="where runs are kept")] = Path("runs/lift-kinds"),
    set_: Annotated[list[str] | None, typer.Option("--set", help=f"of {', '.join(KIND_SETS)}")] = None,
    split: Annotated[list[int] | None, typer.Option(help="which draws of seeds")] = None,
    k: Annotated[int, typer.Option(min=1, help="least seeds of a label")] = 5,
    rows: Annotated[int, typer.Option(min=20, help="kept rows, over all that is asked for")] = 400,
    with_: Annotated[list[str] | None, typer.Option("--with", metavar="A.B=VALUE", help="change a setting")] = None,
    student: Annotated[list[str] | None, typer.Option(metavar="A=VALUE", help="of students on the same rows")] = None,
) -> None:
    """Run what has not been run yet, print a Markdown table."""
    prepare_process()
    found: dict[tuple[str, str], list[Mapping[str, Any]]] = defaultdict(list)
    try:
        for name in set_ or KIND_SETS:
            for number in split or [0]:
                folder, changes = out / f"{name}-{k}-{rows}" / str(number), LONG.get(name, []) + (with_ or [])
                bench = Bench(KIND_SETS[name](data, k, number), folder, rows, changes, student or [])
                for arm, scores in bench.scores().items():
                    found[name, arm].append(scores)
                    print(name, number, arm, {each: scores[each] for each in METRICS}, file=sys.stderr, flush=True)
    except (UserError, subprocess.CalledProcessError) as error:
        print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(2) from None
    print(table(found))


class Bench:
    """A draw, with its run and its other students in a folder; `student` are settings that only these have."""

    def __init__(
        self, split: KindSplit, folder: Path, rows: int, changes: Sequence[str], student: Sequence[str] = ()
    ) -> None:
        self.split, self.folder, self.changes = split, folder, changes
        self.student = [f"student.{each}" for each in student]
        folder.mkdir(parents=True, exist_ok=True)
        asked = split.kind.targets(split.task.labels, split.task.seeds)
        write_rows(folder / "test.jsonl", split.kind, split.test)
        self.task = write_task(
            folder, split.task, split.task.seeds, split.kind, quota=max(1, rows // len(asked)), test="test.jsonl"
        )

    def scores(self) -> dict[str, Mapping[str, Any]]:
        """By arm, as in metrics.json."""
        if self.student:
            rows = {"no rows": [], "labelmill": self.kept, "real": self._real()}
            return {arm: self._student(arm, rows[arm]) | {"rows": len(self.kept)} for arm in rows}
        found = json.loads((self.run / "rounds" / "000" / "metrics.json").read_text())["test"]
        named = {PLAIN: "plain", CONTRASTIVE: "judge"}
        scores = {named[name]: each for name, each in found["baselines"].items()} | {"labelmill": found["student"]}
        scores |= {"no rows": self._student("no rows", []), "real": self._student("real", self._real())}
        return {arm: scores[arm] | {"rows": len(self.kept)} for arm in ARMS if arm in scores}

    @cached_property
    def run(self) -> Path:
        """The finished run."""
        return run_task(self.task, self.folder / "run", self.changes)

    @cached_property
    def kept(self) -> list[TrainingRow]:
        """The product's rows."""
        store = Store(self.run)
        return rows_of(training_rows(store, store.rounds()))

    def _real(self) -> list[TrainingRow]:
        """As many real rows as the product kept, by chance."""
        seeds = {seed.text for seed in self.split.task.seeds}
        rest = [row for row in self.split.train if row.text not in seeds]
        order = np.random.default_rng(0).permutation(len(rest))[: len(self.kept)]
        return [TrainingRow.of(rest[place]) for place in order]

    def _student(self, name: str, rows: list[TrainingRow]) -> Mapping[str, Any]:
        """The scores of the product's student on `rows`, beside seeds and guideline."""
        other = f"-{digest(self.student)}" if self.student else ""
        file, kind = self.folder / f"{name.replace(' ', '-')}{other}.json", self.split.kind
        if not file.is_file():
            with tempfile.TemporaryDirectory() as scratch:
                output, changes = Path(scratch) / "student", [*self.changes, *self.student]
                student = student_on(rows, self.task, self.run, output, changes)
            test = [TrainingRow.of(row) for row in self.split.test]
            guesses = student.predict([student.classifier.input_of(row) for row in test])[0]
            file.write_text(json.dumps(score(kind.name, test, guesses, kind.labels)))
        return json.loads(file.read_text())


def table(found: Mapping[tuple[str, str], Sequence[Mapping[str, Any]]]) -> str:
    """Percent, means over draws, with the bootstrap's 95 % interval over test rows where there is one draw."""
    lines = ["| set | arm | draws | kept rows | accuracy | micro-F1 | macro-F1 |", "| --- | --- |" + " ---: |" * 5]
    for (name, arm), draws in found.items():
        rows = np.mean([each["rows"] for each in draws])
        lines.append(
            f"| {name} | {arm} | {len(draws)} | {rows:.0f} | {' | '.join(map(partial(_cell, draws), METRICS))} |"
        )
    return "\n".join(lines)


def _cell(draws: Sequence[Mapping[str, Any]], metric: str) -> str:
    mean = 100 * float(np.mean([each[metric] for each in draws]))
    if len(draws) > 1 or metric not in draws[0]["intervals"]:
        return f"{mean:.1f}"
    low, high = draws[0]["intervals"][metric]
    return f"{mean:.1f} [{100 * low:.1f}, {100 * high:.1f}]"


if __name__ == "__main__":
    typer.run(main)
