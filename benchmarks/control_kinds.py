"""The methods of control.py on texts with several labels (NLU++) and with tags (CrossNER), judged by oracles.

    python benchmarks/control_kinds.py --data DATA --set nlupp_banking --set crossner_music

Adapters and rows are kept under --out by content, as control.py keeps them.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

os.environ.setdefault("HF_HUB_OFFLINE", "1")
# idle threads must not spin beside an engine; read when torch loads
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("KMP_BLOCKTIME", "0")

import typer
from controls.bench import Asked, Bench
from controls.kind_figures import KindFigures, as_split, measure_kind, score, table
from controls.oracles import make_oracle
from yardstick.kinds import KIND_SETS, KindSplit
from yardstick.options import changed

from denoise.settings import DenoiseSettings
from generation.errors import UserError
from generation.methods import METHODS
from generation.settings import GenerationSettings
from training.adapters.settings import AdapterSettings
from training.device import prepare_process

SETS = {name: read for name, read in KIND_SETS.items() if name != "rte"}  # there is no oracle of pairs


def main(
    data: Annotated[Path, typer.Option(help="folder of the real sets")],
    out: Annotated[Path, typer.Option(help="where everything is kept")] = Path("runs/control"),
    set_: Annotated[list[str] | None, typer.Option("--set", help=f"of {', '.join(SETS)}")] = None,
    method: Annotated[list[str] | None, typer.Option(help=f"of {', '.join(METHODS)}")] = None,
    temperature: Annotated[list[float] | None, typer.Option(help="each method at each of them")] = None,
    k: Annotated[int, typer.Option(min=1, help="least seeds of a label")] = 3,
    rows: Annotated[int, typer.Option(min=400, help="generated rows, over all label sets or slots")] = 800,
    with_: Annotated[list[str] | None, typer.Option("--with", metavar="A=VALUE", help="change generation.A")] = None,
    json_file: Annotated[Path | None, typer.Option("--json")] = None,
) -> None:
    """Measure what is not measured yet, print a Markdown table for each set."""
    prepare_process()
    for flag, given, known in (("--method", method, METHODS), ("--set", set_, SETS)):
        if unknown := sorted({*(given or ())} - known.keys()):
            raise typer.BadParameter(f"{flag}: unknown {unknown}; known are {', '.join(known)}")
    listed = []
    try:
        for name in set_ or ["nlupp_banking", "crossner_music"]:
            split = SETS[name](data, k, 0)
            asked = as_split(split, k)
            settings = changed(GenerationSettings, "--with", with_, borrow_below=0)
            bench = Bench(out, settings, AdapterSettings(), max(1, rows // len(asked.labels)))
            ways = [
                (asked, each, degree)
                for degree in temperature or [0.8, 1.0]
                for each in method or ["prompted", "soft_prompts", "mixture"]
            ]
            found = measured(split, bench, ways)
            print(table(split.task.name, found), flush=True)
            listed += [{"set": name, "way": way} | asdict(figures) for way, figures in found.items()]
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(2) from None
    if json_file:
        json_file.write_text(json.dumps(listed, indent=1) + "\n")


def measured(split: KindSplit, bench: Bench, ways: list[Asked]) -> dict[str, KindFigures]:
    """Figures by way, such as "prompted 0.8"; "oracle" has the oracle's own on the test rows."""
    bench.generate(ways)
    encoder = bench.encoders.frozen
    oracle = make_oracle(split, encoder.encoder)
    found = {"the oracle itself, on real rows": score(oracle.checks(split.test))}
    for way in ways:
        found[f"{way[1]} {way[2]:g}"] = measure_kind(
            bench.rows_of(way), split, way[0].task, oracle, encoder, DenoiseSettings(), bench.seconds(way)
        )
    return found


if __name__ == "__main__":
    typer.run(main)
