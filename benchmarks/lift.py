"""Does generated data lift a student on real tasks? Every default is chosen, and every claim made, by this.

    python benchmarks/lift.py --data DATA                 # the whole: four hours on two cores, estimated
    python benchmarks/lift.py --data DATA --quick         # five minutes
    python benchmarks/lift.py --data DATA --tier probe --set clinc10 --k 5 --split 0 --arm labelmill
    python benchmarks/lift.py --data DATA --tier head --k 5 --arm labelmill --arm "labelmill, wanli"

A cell is one arm on one split of one set in one tier. Finished cells, generated rows and judges are kept under --out
by content and not made again: a killed call, repeated, goes on. results.json, results.md and results.svg are written
anew at the end of a call, those of a part of the plan into --out/part.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

os.environ.setdefault("HF_HUB_OFFLINE", "1")
# idle threads must not spin beside an engine; read when torch loads
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("KMP_BLOCKTIME", "0")

import typer
from yardstick.arms import ARMS, FREE, Arm
from yardstick.cell import Cell
from yardstick.corpus import Corpora
from yardstick.encoders import JUDGE_VERSION, PROBE_C, Encoders
from yardstick.report import write_results
from yardstick.sets import SETS, RealSet, draw_split, read_set
from yardstick.summary import Result
from yardstick.tiers import TIERS, takes_judge

from cluster.config import TaskConfig, check_config
from generation.errors import Fault, UserError
from generation.models import EMBEDDED_ENCODER, model_hash, resolve_model
from generation.records import digest
from training.device import prepare_process

VERSION = 2  # raise it when a tier, or anything that all arms share, changes
KS = (5, 10)
WHOLE_SETS = ("banking77", "hwu64", "clinc150")
ROWS = 40  # generated per label
WHOLE_SET_ROWS = 4
_SMALL_SETS = {"banking10": 10, "clinc10": 10}
PLAN = {
    "probe": _SMALL_SETS | dict.fromkeys(WHOLE_SETS, 10),
    "head": _SMALL_SETS,
    "fine-tune": {"banking10": 3, "clinc10": 3, "hwu64": 1},
}
QUICK = {"probe": {"tune-home": 1}, "head": {"tune-home": 1}}
QUICK_ROWS = 12
USUAL = [name for name, arm in ARMS.items() if not arm.named]
FIXED = ("generation.template", "student.model", "student.dev_per_label")  # arms and caches take these as they are


@dataclass(frozen=True, order=True)
class Place:
    """A split of a set at k seeds per label, in a tier. Sorts so that a split's vectors are used before the next's."""

    set: str
    k: int
    split: int
    tier: str
    rows: int


def main(
    data: Annotated[Path, typer.Option(help="folder of the real sets")],
    out: Annotated[Path, typer.Option(help="where everything is kept")] = Path("runs/lift"),
    quick: Annotated[bool, typer.Option("--quick", help="one small set, one split, two tiers")] = False,
    tier: Annotated[list[str] | None, typer.Option(help=f"of {', '.join(TIERS)}")] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", help=f"of {', '.join(SETS)}")] = None,
    k: Annotated[list[int] | None, typer.Option(help="seeds per label")] = None,
    split: Annotated[list[int] | None, typer.Option(help="which draws of seeds")] = None,
    arm: Annotated[
        list[str] | None, typer.Option(help="which arms; default: all but other methods, losses, and rounds")
    ] = None,
    rows: Annotated[int | None, typer.Option(min=4, help="generated rows per label")] = None,
    with_: Annotated[list[str] | None, typer.Option("--with", metavar="A.B=VALUE", help="change a default")] = None,
) -> None:
    """Measure what is not measured yet, and write the results."""
    prepare_process()
    try:
        places = sorted(_places(quick, tier, set_, k, split, rows))
        if not places:
            raise UserError("nothing to measure: the plan has no set for that tier; name one with --set")
        arms = [ARMS[name] for name in _known("--arm", arm or USUAL, list(ARMS))]
        yardstick = Yardstick(data, out, benchmark_config(with_ or []))
        asked = [(place, [arm for arm in arms if place.tier == "fine-tune" or not arm.student]) for place in places]
        asked = [(place, each) for place, each in asked if each]
        if not asked:
            raise UserError("nothing to measure: other losses are fine-tuned only; name --tier fine-tune")
        yardstick.generate(asked)
        results = [result for place, each in asked for result in yardstick.measure(place, each)]
        in_part = quick or any(option is not None for option in (tier, set_, k, split, arm, rows))
        settings = yardstick.config.model_dump(mode="json", include={"generation", "denoise", "student"})
        write_results(
            out / "part" if in_part else out, results, FREE, yardstick.oracles([place for place, _ in asked]), settings
        )
    except (UserError, Fault, OSError, subprocess.CalledProcessError) as error:
        print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(2 if isinstance(error, UserError) else 1) from None


class Yardstick:
    """Cells, and where they are kept."""

    def __init__(self, data: Path, out: Path, config: TaskConfig) -> None:
        self.data, self.out, self.config = data, out, config
        self.corpora = Corpora(out / "corpora", config)
        self.encoders = Encoders(out / "judges", config.student)
        self._sets: dict[str, RealSet] = {}
        self._cell: tuple[tuple[str, int, int, int], Cell] | None = None

    def generate(self, asked: Sequence[tuple[Place, Sequence[Arm]]]) -> None:
        """All rows that the arms need in their places, in one go."""
        specs = [
            self.cell_of(place).written_with(arm.generation).spec
            for place, arms in asked
            for arm in arms
            if arm.takes_generated and not arm.runs
        ]
        self.corpora.ensure(list({self.corpora.key(spec): spec for spec in specs}.values()))

    def measure(self, place: Place, arms: list[Arm]) -> Iterator[Result]:
        """One result per arm; those that are there already are read."""
        for arm in arms:
            cell = self.cell_of(place).written_with(arm.generation)
            key = self._key(cell, place, arm)
            file = self.out / "cells" / place.tier / f"{place.set}-k{place.k}-{place.split}" / f"{arm.name}-{key}.json"
            if not file.is_file():
                result = self._run(cell, place, arm, key)
                result.dump(file)
                print(f"{place.tier} {place.set} k={place.k} split {place.split} {arm.name}: {result.accuracy:.1f}")
            yield Result.load(file)

    def oracles(self, places: list[Place]) -> dict[str, float]:
        """The oracle's accuracy on each set's test rows, percent."""
        return {name: self.encoders.oracle_accuracy(self._set(name)) for name in dict.fromkeys(p.set for p in places)}

    def _run(self, cell: Cell, place: Place, arm: Arm, key: str) -> Result:
        recipe = arm.make(cell)
        accuracy, trained = TIERS[place.tier](cell, arm, recipe)
        tuning = self.encoders.judge_seconds(cell.split) if takes_judge(arm, place.tier) else 0.0
        return Result(
            tier=place.tier,
            set=place.set,
            k=place.k,
            split=place.split,
            arm=arm.name,
            key=key,
            accuracy=accuracy,
            rows=len(recipe.rows),
            tokens=recipe.tokens,
            seconds=round(recipe.seconds + trained + tuning, 1),
            **cell.quality(recipe.rows) if recipe.generated else {},
        )

    def _key(self, cell: Cell, place: Place, arm: Arm) -> str:
        settings = self.config.model_dump(mode="json", include={"denoise", "student"})
        if place.tier != "fine-tune":  # linear heads know nothing of the trainer's settings
            shared = (*(name for name in settings["student"] if name.startswith("judge")), "max_length", "seed")
            settings["student"] = {name: settings["student"][name] for name in shared}
        settings["student"] |= arm.student
        encoder, real = model_hash(resolve_model(EMBEDDED_ENCODER)), cell.split.real
        fixed = (VERSION, JUDGE_VERSION, PROBE_C, encoder, real.train_digest, real.test_digest)
        rows = self.corpora.key(cell.spec) if arm.takes_generated else cell.split_key
        return digest(arm.name, arm.version, place.tier, settings, rows, fixed)[:10]

    def cell_of(self, place: Place) -> Cell:
        which = (place.set, place.k, place.split, place.rows)
        if self._cell is None or self._cell[0] != which:
            self._cell = which, self._new_cell(place)
        return self._cell[1]

    def _new_cell(self, place: Place) -> Cell:
        split = draw_split(self._set(place.set), place.k, place.split)
        return Cell(split, place.rows, self.config, self.corpora, self.encoders)

    def _set(self, name: str) -> RealSet:
        if name not in self._sets:
            self._sets[name] = read_set(name, self.data)
        return self._sets[name]


def benchmark_config(changes: Sequence[str] = ()) -> TaskConfig:
    """The product's defaults with some changed; labels and seeds come from the sets."""
    for change in changes:
        name = change.partition("=")[0]
        if name.split(".")[0] not in ("generation", "adapt", "denoise", "student") or name in FIXED:
            raise UserError(
                f"--with: must change generation, adapt, denoise or student, and none of {FIXED}; got {change!r}"
            )
    labels = [{"name": name, "description": name} for name in ("a", "b")]
    engine = {"merge_lora": False, "max_num_seqs": 256, "commit_rows": 512, "kv_cache_gb": 3}
    task = {"name": "lift", "description": "real sets", "seeds": "none", "labels": labels, "runtime": engine}
    return check_config(task, "--with", list(changes))


def _places(
    quick: bool,
    tiers: list[str] | None,
    sets: list[str] | None,
    ks: list[int] | None,
    splits: list[int] | None,
    rows: int | None,
) -> Iterator[Place]:
    """What the options leave of the plan; a set that the plan has not is taken with the splits asked for."""
    plan = QUICK if quick else PLAN
    for tier in _known("--tier", tiers or list(plan), list(TIERS)):
        for name in _known("--set", sets or list(plan.get(tier, {})), list(SETS)):
            for k in ks or (KS[:1] if quick else KS):
                for split in splits if splits is not None else range(plan.get(tier, {}).get(name, 1)):
                    usual = QUICK_ROWS if quick else WHOLE_SET_ROWS if name in WHOLE_SETS else ROWS
                    yield Place(name, k, split, tier, rows or usual)


def _known(option: str, names: list[str], known: list[str]) -> list[str]:
    for name in names:
        if name not in known:
            raise UserError(f"{option}: must be one of {', '.join(known)}; got {name!r}")
    return names


if __name__ == "__main__":
    typer.run(main)
