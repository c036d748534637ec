"""Which way of asking keeps the label? Every method on real sets, judged by an oracle trained on all real rows.

    python benchmarks/control.py --data DATA --set banking10 --set clinc10 --split 0
    python benchmarks/control.py --data DATA --method prompted --method control_codes --temperature 1.0
    python benchmarks/control.py --data DATA --set banking77 --k 2 --rows 8 --method prompted --with borrow_below=0

Adapters, rows and figures are kept under --out by content and not made again. A first engine answers for all methods
but those with LoRAs, which slow every request of their engine down on a CPU; a second one answers for those.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

os.environ.setdefault("HF_HUB_OFFLINE", "1")
# idle threads must not spin beside an engine; read when torch loads
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("KMP_BLOCKTIME", "0")

import typer
from controls.bench import Bench
from controls.figures import Figures, table
from yardstick.options import changed
from yardstick.sets import SETS, draw_split, read_set

from generation.errors import UserError
from generation.methods import METHODS
from generation.settings import GenerationSettings
from training.adapters.settings import AdapterSettings
from training.device import prepare_process

SHOTS, ROWS = 8, 40
TEMPERATURES = (0.8, 1.0, 1.2)
LITERAL = 1.0  # the only temperature of a method that asks no LM


@dataclass(frozen=True)
class Way:
    """A method at a temperature."""

    method: str
    temperature: float


def main(
    data: Annotated[Path, typer.Option(help="folder of the real sets")],
    out: Annotated[Path, typer.Option(help="where everything is kept")] = Path("runs/control"),
    set_: Annotated[list[str] | None, typer.Option("--set", help=f"of {', '.join(SETS)}")] = None,
    split: Annotated[list[int] | None, typer.Option(help="which draws of seeds")] = None,
    method: Annotated[list[str] | None, typer.Option(help=f"of {', '.join(METHODS)}")] = None,
    temperature: Annotated[list[float] | None, typer.Option(help="each method at each of them")] = None,
    rows: Annotated[int, typer.Option(min=4, help="generated rows per label")] = ROWS,
    k: Annotated[int, typer.Option(min=1, help="seeds per label")] = SHOTS,
    with_: Annotated[list[str] | None, typer.Option("--with", metavar="A=VALUE", help="change generation.A")] = None,
    adapt: Annotated[list[str] | None, typer.Option("--adapt", metavar="A=VALUE", help="change adapt.A")] = None,
    json_file: Annotated[Path | None, typer.Option("--json")] = None,
) -> None:
    """Measure what is not measured yet, print a Markdown table."""
    prepare_process()
    if unknown := sorted({*(method or ())} - METHODS.keys()):
        raise typer.BadParameter(f"unknown methods {unknown}; known are {', '.join(METHODS)}")
    if unknown := sorted({*(set_ or ())} - SETS.keys()):
        raise typer.BadParameter(f"unknown sets {unknown}; known are {', '.join(SETS)}")
    settings = changed(AdapterSettings, "--adapt", adapt)
    try:
        splits = [
            draw_split(read_set(name, data), k, number)
            for name in set_ or ["banking10", "clinc10"]
            for number in split or [0]
        ]
        # methods take turns, so that their seconds can be compared
        ways = [
            Way(name, each)
            for each in temperature or TEMPERATURES
            for name in method or ["prompted", "control_codes", "soft_prompts", "mixture"]
            if each == LITERAL or not METHODS[name].is_literal
        ]
        bench = Bench(out, changed(GenerationSettings, "--with", with_), settings, rows)
        bench.generate([(each, way.method, way.temperature) for each in splits for way in ways])
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(2) from None
    found: dict[Way, list[Figures]] = {way: [] for way in ways}
    for each in splits:
        for way in ways:
            found[way].append(bench.figures(each, way.method, way.temperature))
    oracle = sum(bench.oracle_accuracy(each) for each in splits) / len(splits)
    print(table({(way.method, way.temperature): each for way, each in found.items()}, oracle))
    if json_file:
        listed = [asdict(way) | asdict(figures) for way, each in found.items() for figures in each]
        json_file.write_text(json.dumps(listed, indent=1) + "\n")


if __name__ == "__main__":
    typer.run(main)
