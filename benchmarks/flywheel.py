"""Do rounds help? The product itself on real tasks: rounds, against one round of as many rows, and against real rows.

    python benchmarks/flywheel.py --data DATA                                   # three sets, three splits: hours
    python benchmarks/flywheel.py --data DATA --set banking10 --split 0 --rounds 3 --quota 15

`rounds`: R rounds of Q rows a label. `one shot`: one round of R*Q. `fed`: as rounds, but before the second round 500
real unlabelled rows are fed. `real`: the product's student on R*Q real rows a label beside the same seeds. All are
measured on the real test, which no arm reads for anything else. Runs are kept under --out and taken up again: a killed
call, repeated, goes on. Intervals are bootstraps over splits and test rows together.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import numpy as np
import typer
from yardstick.product import as_many, labelmill, run_task, student_on, write_task
from yardstick.sets import Split, draw_split, read_set

from generation.errors import UserError

SETS = ("banking10", "clinc10", "hwu10")
ARMS = ("rounds", "one shot", "fed", "real")
K = 5
_RESAMPLES = 2000


def main(
    data: Annotated[Path, typer.Option(help="folder of the real sets")],
    out: Annotated[Path, typer.Option(help="where runs are kept")] = Path("runs/flywheel"),
    set_: Annotated[list[str] | None, typer.Option("--set")] = None,
    split: Annotated[list[int] | None, typer.Option(help="which draws of seeds")] = None,
    arm: Annotated[list[str] | None, typer.Option(help=f"of {', '.join(ARMS)}")] = None,
    rounds: Annotated[int, typer.Option(min=1)] = 3,
    quota: Annotated[int, typer.Option(min=1, help="rows per label and round")] = 15,
    with_: Annotated[list[str] | None, typer.Option("--with", metavar="A.B=VALUE", help="change a setting")] = None,
) -> None:
    """Run what has not been run yet, print a Markdown table."""
    found: dict[tuple[str, str, int], list[np.ndarray]] = defaultdict(list)
    try:
        for name in set_ or SETS:
            for number in split or (0, 1, 2):
                drawn = draw_split(read_set(name, data), K, number)
                bench = Bench(drawn, out / name / str(number), rounds, quota, with_ or [])
                for each in arm or ARMS:
                    for round_, right in enumerate(bench.right(each)):
                        found[name, each, round_].append(right)
                    print(f"{name} {number} {each}: {bench.told(each)}", file=sys.stderr, flush=True)
    except (UserError, subprocess.CalledProcessError) as error:
        print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(2) from None
    print(table(found))


class Bench:
    """The arms of one split, each a run in a folder of its own."""

    def __init__(self, split: Split, folder: Path, rounds: int, quota: int, changes: Sequence[str]) -> None:
        self.split, self.folder, self.rounds, self.quota, self.changes = split, folder, rounds, quota, changes
        folder.mkdir(parents=True, exist_ok=True)
        self.task = write_task(folder, split.real, split.seeds, quota=quota)

    def right(self, arm: str) -> list[np.ndarray]:
        """For each round whether the student got each test row right, bool [rows]."""
        file = self.folder / f"{arm.replace(' ', '-')}.json"
        if not file.is_file():
            made = {"rounds": self._in_rounds, "one shot": self._one_shot, "fed": self._fed, "real": self._real}[arm]()
            file.write_text(json.dumps(made))
        return [np.array(each, bool) for each in json.loads(file.read_text())["right"]]

    def told(self, arm: str) -> str:
        """Percent right by round, and the rows of the last dataset."""
        told = json.loads((self.folder / f"{arm.replace(' ', '-')}.json").read_text())
        shares = ", ".join(f"{100 * np.mean(each):.1f}" for each in told["right"])
        return f"{shares} with {told['rows'][-1]} rows"

    def _in_rounds(self) -> dict[str, Any]:
        run = self._run("rounds", quota=self.quota, rounds=self.rounds)
        return self._look(run)

    def _one_shot(self) -> dict[str, Any]:
        run = self._run("one-shot", quota=self.quota * self.rounds, rounds=1)
        return self._look(run)

    def _fed(self) -> dict[str, Any]:
        run = self._run("fed", quota=self.quota, rounds=1)
        pool = self.folder / "pool.jsonl"
        pool.write_text("".join(json.dumps({"text": row.text}) + "\n" for row in self.split.unlabelled))
        labelmill("feed", str(run), str(pool))
        self._run("fed", quota=self.quota, rounds=self.rounds)
        return self._look(run)

    def _real(self) -> dict[str, Any]:
        """The student of the same judge, settings and seeds, on real rows in place of generated ones."""
        run = self._run("rounds", quota=self.quota, rounds=self.rounds)
        chosen = as_many(self.split.rest, dict.fromkeys(self.split.labels, self.quota * self.rounds))
        student = student_on(chosen, self.task, run, self.folder / "real-student", self.changes)
        guesses, _ = student.predict([row.text for row in self.split.real.test])
        return {"right": [self._held(guesses)], "rows": [len(chosen)]}

    def _look(self, run: Path) -> dict[str, Any]:
        """Each round's student on the test."""
        from training.predict import Student

        right, rows = [], []
        for folder in sorted((run / "rounds").glob("*/student")):
            guesses, _ = Student.load(folder).predict([row.text for row in self.split.real.test])
            right.append(self._held(guesses))
            metrics = json.loads((folder.parent / "metrics.json").read_text())
            rows.append(sum(metrics["accepted"].values()) + (rows[-1] if rows else 0))
        return {"right": right, "rows": rows}

    def _held(self, guesses: Sequence[str]) -> list[bool]:
        return [guess == row.label for guess, row in zip(guesses, self.split.real.test, strict=True)]

    def _run(self, name: str, **settings: int) -> Path:
        changes = [*self.changes, *(f"{key}={value}" for key, value in settings.items())]
        return run_task(self.task, self.folder / name, changes)


def table(found: Mapping[tuple[str, str, int], Sequence[np.ndarray]]) -> str:
    """Accuracy after each round with a 95 % interval, and the difference to one shot on the same splits."""
    lines = ["| set | arm | round | splits | accuracy | - one shot |", "| --- | --- | ---: | ---: | ---: | ---: |"]
    for (name, arm, round_), right in found.items():
        base = found.get((name, "one shot", 0))
        paired = base is not None and len(base) == len(right) and arm != "one shot"
        gain = interval([one.astype(float) - other for one, other in zip(right, base or [], strict=False)], "+")
        accuracy = interval([each.astype(float) for each in right])
        lines.append(f"| {name} | {arm} | {round_} | {len(right)} | {accuracy} | {gain if paired else ''} |")
    return "\n".join(lines)


def interval(splits: Sequence[np.ndarray], sign: str = "") -> str:
    """Mean in percent with the bootstrap's 95 % interval: splits are drawn anew, and test rows within each."""
    if not splits:
        return ""
    draw, means = random.Random(0), []
    generator = np.random.default_rng(0)
    for _ in range(_RESAMPLES):
        chosen = [splits[draw.randrange(len(splits))] for _ in splits]
        means.append(np.mean([each[generator.integers(len(each), size=len(each))].mean() for each in chosen]))
    low, high = np.quantile(means, [0.025, 0.975])
    mean = np.mean([each.mean() for each in splits])
    return f"{100 * mean:{sign}.1f} [{100 * low:{sign}.1f}, {100 * high:{sign}.1f}]"


if __name__ == "__main__":
    typer.run(main)
