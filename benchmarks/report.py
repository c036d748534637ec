"""How long does the report of a large run take?

    python benchmarks/report.py --rows 100000 --rows 1000000 --json report.json

Runs of made-up rows are written as engines and driver would write them: two thirds of the rows are kept, others are
duplicates of one another or dropped. `first` is a report of parts that none has counted yet, `again` the fastest of
those after it, which find the counts beside the run. Imports are not in it, nor is the map, which a round makes.
`parts` is the reading of the columns that are counted, `cpu` the processor time of the first report on all cores.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from made_run import NAMES, PART_ROWS, make_run, mixed

from cluster.mapping import write_map
from cluster.report_cache import NAME
from cluster.report_page import write_report
from cluster.report_parts import rows_of, verdicts_of
from cluster.store import Store
from generation.task import Example

SEEDS = [Example(f"seed {number}", NAMES[number % len(NAMES)], line=number) for number in range(300)]


def main(
    rows: Annotated[list[int], typer.Option(help="rows of a run; may be given again")],
    part_rows: Annotated[int, typer.Option(help="rows of a part; engines commit 128 or more")] = PART_ROWS,
    repeats: Annotated[int, typer.Option(help="reports after the first")] = 3,
    folder: Annotated[Path | None, typer.Option(help="where runs are kept for another time")] = None,
    out: Annotated[Path | None, typer.Option("--json", help="write the figures here")] = None,
) -> None:
    """Make each run, and report on it."""
    figures = []
    with tempfile.TemporaryDirectory() as scratch:
        for count in rows:
            place = (folder or Path(scratch)) / f"{count}-{part_rows}"
            store = Store(place) if place.is_dir() else make_run(place, count, mixed, part_rows)
            write_map(store, 0, SEEDS, scattered, has_one_label=True)
            figures.append({"rows": count, "part_rows": part_rows} | timed(store, repeats))
            print("  ".join(f"{name} {value:,.2f}" for name, value in figures[-1].items()), flush=True)
    if out:
        out.write_text(json.dumps(figures, indent=2) + "\n")


def scattered(texts: Sequence[str]) -> np.ndarray:
    """Unit vectors that mean nothing: a map is to be drawn, not to be right."""
    found = np.random.default_rng(0).normal(size=(len(texts), 16))
    return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)


def timed(store: Store, repeats: int) -> dict[str, Any]:
    """Seconds of the first report and of those after it; the run's parts are in the system's cache by then."""
    began = time.perf_counter()
    rows_of(store), verdicts_of(store)
    parts = time.perf_counter() - began
    (Path(str(store.root)) / NAME).unlink(missing_ok=True)
    began, cpu = time.perf_counter(), time.process_time()
    write_report(store)
    figures = {"parts": parts, "first": time.perf_counter() - began, "cpu": time.process_time() - cpu}
    again = []
    for _ in range(repeats):
        began = time.perf_counter()
        page = write_report(store)
        again.append(time.perf_counter() - began)
    return figures | {"again": min(again), "page_mb": len(page.read_bytes()) / 1e6}


if __name__ == "__main__":
    typer.run(main)
