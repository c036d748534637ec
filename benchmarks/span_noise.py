"""Are doubtful spans of a machine's tagged rows found, and is a tagger better without them?

    python benchmarks/span_noise.py --data DATA

On gen_proggen_ner: rows that an LM wrote and tagged, the same with tags that it corrected, and rows that people tagged.
What is measured of a set is kept under --out and not measured again.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import typer
from noises.span_cells import SpanCell, bars, curve, findings, planted, worths
from noises.tagged import CELLS, read_cell

from generation.errors import UserError
from training.device import prepare_process

PARTS: dict[str, Callable[[SpanCell], Iterable[Any]]] = {
    "finding": findings,
    "bars": bars,
    "few rows": curve,
    "planted": planted,
    "worth": worths,
}


def main(
    data: Annotated[Path, typer.Option(help="folder of the real sets")],
    out: Annotated[Path, typer.Option(help="where states and figures are kept")] = Path("runs/span-noise"),
    set_: Annotated[list[str] | None, typer.Option("--set", help=f"of {'; '.join(CELLS)}")] = None,
    part: Annotated[list[str] | None, typer.Option(help=f"of {', '.join(PARTS)}")] = None,
) -> None:
    """Measure what is not measured yet, print Markdown tables: means over sets."""
    prepare_process()
    for flag, given, known in (("--set", set_, CELLS), ("--part", part, PARTS)):
        if unknown := sorted({*(given or ())} - {*known}):
            raise typer.BadParameter(f"{flag}: unknown {unknown}; known are {'; '.join(known)}")
    try:
        found = {name: _measured(name, data, out, part or [*PARTS]) for name in set_ or CELLS}
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(2) from None
    for each in part or PARTS:
        print(table(each, {name: figures[each] for name, figures in found.items()}))


def _measured(name: str, data: Path, out: Path, parts: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    file = out / f"{name.replace(', ', '-')}.json"
    found = json.loads(file.read_text()) if file.is_file() else {}
    if left := [part for part in parts if part not in found]:
        own = SpanCell(read_cell(name, data, out))
        for part in left:
            found[part] = [each._asdict() for each in PARTS[part](own)]
            scratch = file.with_suffix(".tmp")
            scratch.write_text(json.dumps(found, indent=1) + "\n")
            scratch.rename(file)
            print(f"{name}: {part}", file=sys.stderr, flush=True)
    return found


def table(part: str, found: dict[str, list[dict[str, Any]]]) -> str:
    """A line a way: of each figure its mean over sets, and of F1 also that of each set."""
    ways = list(dict.fromkeys(row["way"] for rows in found.values() for row in rows))
    names = [name for name in next(iter(found.values()))[0] if name != "way"]
    of: Callable[[str, str], list[float]] = lambda way, name: [  # noqa: E731
        row[name] for rows in found.values() for row in rows if row["way"] == way
    ]
    shown = [*names, *found] if part == "worth" else names
    lines = [f"### {part}\n", f"| way | {' | '.join(shown)} |", "| --- |" + " ---: |" * len(shown)]
    for way in ways:
        cells = [_cell(name, float(np.mean(of(way, name)))) for name in names]
        cells += [_cell("f1", each) for each in of(way, "f1")] if part == "worth" else []
        lines.append(f"| {way} | {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def _cell(name: str, value: float) -> str:
    if np.isnan(value):
        return ""
    return f"{value:.0f}" if name == "rows" else f"{value:.1f}" if name == "f1" else f"{value:.3f}"


if __name__ == "__main__":
    typer.run(main)
