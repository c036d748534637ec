"""Are wrong labels found, and is a student better for it?

    python benchmarks/label_noise.py --data DATA                                # planted noise: some minutes
    python benchmarks/label_noise.py --data DATA --rows runs/control --set banking10 --split 0    # generated rows

Without --rows, wrong labels are planted into parts of real sets (noises/planted.py). With --rows, those that
benchmarks/control.py made with that --out are judged against an oracle trained on all real rows; judges are kept there.
Tagged rows have a benchmark of their own: span_noise.py.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("KMP_BLOCKTIME", "0")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # heads are small: threads would wait for each other

import numpy as np
import typer
from controls.bench import Bench
from noises.cells import measure
from noises.generated import CONTRASTIVE, Generated
from noises.planted import KINDS
from noises.sets import read_part
from yardstick.cleaning import clean
from yardstick.options import changed
from yardstick.sets import draw_split, read_set

from denoise.settings import DenoiseSettings
from generation.errors import UserError
from generation.settings import GenerationSettings
from training.adapters.settings import AdapterSettings
from training.device import prepare_process
from training.settings import StudentSettings

SETS, GENERATED_SETS = ("banking77", "hwu64", "clinc150"), ("banking10", "clinc10")
SHARES = (10, 20, 40)
SHOTS = 8  # seeds per label of benchmarks/control.py


def main(
    data: Annotated[Path, typer.Option(help="folder of the real sets")],
    out: Annotated[Path, typer.Option(help="where vectors are kept")] = Path("runs/label-noise"),
    set_: Annotated[list[str] | None, typer.Option("--set")] = None,
    kind: Annotated[list[str] | None, typer.Option(help=f"of {', '.join(KINDS)}")] = None,
    share: Annotated[list[int] | None, typer.Option(help="percent of labels made wrong")] = None,
    seeds: Annotated[int, typer.Option(min=1, help="plantings of a cell")] = 3,
    rows: Annotated[Path | None, typer.Option(help="--out of benchmarks/control.py")] = None,
    split: Annotated[list[int] | None, typer.Option(help="which draws of seeds")] = None,
    method: Annotated[str, typer.Option()] = "prompted",
    temperature: Annotated[float, typer.Option()] = 1.0,
    per_label: Annotated[int, typer.Option(help="--rows of benchmarks/control.py")] = 40,
    way: Annotated[list[str] | None, typer.Option(help="with --rows: of its table")] = None,
    students: Annotated[int, typer.Option(min=0, help="with --rows: seeds of a run's student; 0: heads alone")] = 0,
    loss: Annotated[list[str] | None, typer.Option(help="with --rows: heads by these losses too")] = None,
    with_: Annotated[list[str] | None, typer.Option("--with", metavar="A=VALUE", help="change student.A")] = None,
    json_file: Annotated[Path | None, typer.Option("--json")] = None,
) -> None:
    """Measure, print a Markdown table."""
    prepare_process()
    if unknown := sorted({*(kind or ())} - {*KINDS}):
        raise typer.BadParameter(f"unknown kinds {unknown}; known are {', '.join(KINDS)}")
    try:
        if rows is None:
            found = planted(data, out, set_ or SETS, kind or KINDS, share or SHARES, seeds)
        else:
            asked = [(name, number) for name in set_ or GENERATED_SETS for number in split or [0]]
            bench = Bench(rows, GenerationSettings(), AdapterSettings(), per_label)
            settings = run_students(students, changed(StudentSettings, "--with", with_))
            found = generated(bench, data, asked, (method, temperature), settings, way or (), loss or ())
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(2) from None
    if json_file:
        json_file.write_text(json.dumps(found, indent=1) + "\n")


def planted(
    data: Path, out: Path, sets: Sequence[str], kinds: Sequence[str], shares: Sequence[int], seeds: int
) -> list[dict[str, Any]]:
    """Every cell as it is done, and at the end medians over all of a share."""
    found: list[dict[str, Any]] = []
    for name in sets:
        part = read_part(name, data, out)
        for kind in kinds:
            for share in shares:
                cell = {"set": name, "kind": kind, "share": share}
                for seed in range(seeds):
                    found += [cell | {"seed": seed} | asdict(each) for each in measure(part, kind, share / 100, seed)]
                print(_cell_line(cell, found), flush=True)
    print()
    for share in shares:
        print(planted_table([each for each in found if each["share"] == share], share))
    return found


def _cell_line(cell: dict[str, Any], found: Iterable[dict[str, Any]]) -> str:
    own = [each for each in found if all(each[name] == value for name, value in cell.items())]
    of = {way: [each for each in own if each["way"] == way] for way in ("cleanlab", "labelmill")}
    auroc = " against ".join(f"{_median(each, 'auroc'):.3f}" for each in (of["labelmill"], of["cleanlab"]))
    gap = _recovered(own, "labelmill"), _recovered(own, "cleanlab")
    return f"{cell['set']} {cell['kind']} {cell['share']} %: AUROC {auroc}, recovered {gap[0]:.0%} against {gap[1]:.0%}"


def planted_table(found: Sequence[dict[str, Any]], share: int) -> str:
    """Medians over sets, kinds and plantings of one share of wrong labels."""
    lines = [
        f"### {share} % of labels wrong\n",
        "| way | AUROC | precision | recall | accuracy after | gap recovered | ms |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for way in dict.fromkeys(each["way"] for each in found):
        own = [each for each in found if each["way"] == way]
        figures = [f"{_median(own, 'auroc'):.3f}", *(f"{_median(own, name):.2f}" for name in ("precision", "recall"))]
        figures += [f"{_median(own, 'accuracy'):.1f}", f"{_recovered(found, way):.0%}"]
        figures.append(f"{1000 * _median(own, 'seconds'):.0f}")
        lines.append(f"| {way} | " + " | ".join("" if "nan" in each else each for each in figures) + " |")
    return "\n".join([*lines, ""])


def _recovered(found: Sequence[dict[str, Any]], way: str) -> float:
    """What share of the accuracy that the noise costs is won back: of the means, as single gaps can be near none."""
    mean = {
        name: np.mean([each["accuracy"] for each in found if each["way"] == name])
        for name in ("nothing", "true labels", way)
    }
    return float((mean[way] - mean["nothing"]) / (mean["true labels"] - mean["nothing"]))


def _median(found: Sequence[dict[str, Any]], name: str) -> float:
    return float(np.median([each[name] for each in found]))


def run_students(count: int, settings: StudentSettings) -> list[StudentSettings]:
    """A run's settings, of each seed."""
    return [settings.model_copy(update={"seed": seed}) for seed in range(count)]


def generated(
    bench: Bench,
    data: Path,
    asked: Sequence[tuple[str, int]],
    how: tuple[str, float],
    students: Sequence[StudentSettings],
    wanted: Sequence[str],
    losses: Sequence[str],
) -> list[dict[str, Any]]:
    """The rows of each split of a set under all ways; means over splits."""
    found: list[dict[str, Any]] = []
    for name, number in asked:
        split = draw_split(read_set(name, data), SHOTS, number)
        drafts = clean(bench.rows_of((split, *how)), split.task, DenoiseSettings())
        for outcome in Generated(split, drafts, bench.encoders, students, losses).ways(wanted):
            found.append({"set": name, "split": number} | asdict(outcome))
            print(found[-1], file=sys.stderr, flush=True)
        print(f"{name} {number}: {len(drafts)} rows", flush=True)
    for shown in (*dict.fromkeys(name for name, _ in asked), None):
        print("\n" + generated_table([each for each in found if shown in (None, each["set"])], shown or "all"))
    return found


def generated_table(found: Sequence[dict[str, Any]], name: str) -> str:
    """Means over splits; gaps are those of the means."""
    lines = [
        f"### {name}\n",
        "| rows | kept | right | head on the frozen encoder | gap | on the judge's | gap | a run's student | gap |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    mean: Callable[[str, str], float] = lambda way, of: float(  # noqa: E731
        np.mean([each[of] for each in found if each["way"] == way])
    )
    for way in dict.fromkeys(each["way"] for each in found):
        figures = [f"{mean(way, 'kept'):.0%}", f"{mean(way, 'right'):.1f}"]
        for tier in ("frozen", "tuned", "student"):
            low, high = mean(CONTRASTIVE, tier), mean("oracle relabel", tier)
            figures += [f"{mean(way, tier):.1f}", f"{(mean(way, tier) - low) / (high - low):.0%}"]
        lines.append(f"| {way} | " + " | ".join("" if "nan" in each else each for each in figures) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    typer.run(main)
