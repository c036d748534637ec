"""How many rows a second does `labelmill filter` read, judge and write, and what does each filter take of it?

    python benchmarks/filter_speed.py --rows 200000 --repeat 3

The corpus is that of dedup.py (deduplicators/corpus.py): Parquet parts with `id`, `text` and `label`. The first table
is the whole command, Ray's start and Parquet in and out included, with the default filters and with the toxicity model
too, in turns; memory is the sum of the processes' proportional sets, with shared memory. The second is one process
without Ray, each filter by itself on rows that are in memory. Medians.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Annotated

import pyarrow as pa
import pyarrow.parquet as pq
import typer
from deduplicators.corpus import make_corpus
from deduplicators.watch import Limits, Watched, watch

from denoise.filters.table import as_seen, filter_reasons, named_filters
from denoise.settings import DenoiseSettings
from generation.task import Label, Task

ROOT = Path(__file__).parents[1]
LIMITS = Limits(seconds=1800, bytes=16e9)
WAYS = {"defaults": {}, "and toxicity": {"toxicity": 0.9}}


def main(
    rows: Annotated[int, typer.Option(min=1000)] = 200_000,
    repeat: Annotated[int, typer.Option(min=1)] = 3,
    work: Annotated[Path, typer.Option(help="where corpora are kept")] = ROOT / "runs" / "dedup",
    each: Annotated[bool, typer.Option("--each/--whole", help="whether filters are timed by themselves too")] = True,
) -> None:
    """Print two Markdown tables."""
    corpus = work / f"corpus-{rows}"
    make_corpus(corpus, rows)
    turns: dict[str, list[Watched]] = defaultdict(list)
    for _ in range(repeat):
        for way in WAYS:
            turns[way].append(_command(way, corpus))
    print("| filters | rows/s | seconds | CPU-s | peak MB |\n| --- | ---: | ---: | ---: | ---: |")
    for way, found in turns.items():
        seconds, used, peak = (
            statistics.median(getattr(turn, name) for turn in found)
            for name in ("seconds", "cpu_seconds", "peak_bytes")
        )
        print(f"| {way} | {rows / seconds:,.0f} | {seconds:.1f} | {used:.1f} | {peak / 1e6:,.0f} |")
    others = max(turn.others for found in turns.values() for turn in found)
    print(f"\nother work took up to {100 * others:.0f} % of the machine\n")
    if each:
        _print_each(corpus, rows, repeat)


def _command(way: str, corpus: Path) -> Watched:
    with tempfile.TemporaryDirectory(prefix="filter-") as scratch:
        config, words = Path(scratch) / "denoise.yaml", Path(scratch) / "words.txt"
        config.write_text(f"denoise:\n  filters: {json.dumps(WAYS[way])}\n")
        options = ["--config", str(config)] if WAYS[way] else []
        command = [sys.executable, "-m", "cluster", "filter", str(corpus), f"{scratch}/out", *options]
        turn = watch(command, words, LIMITS, {}, ROOT)
        if turn.code != 0:
            print(words.read_text()[-2000:], file=sys.stderr)
            raise typer.Exit(1)
        return turn


def _print_each(corpus: Path, rows: int, repeat: int) -> None:
    table = pq.read_table(corpus, columns=["text", "label"])
    labels = tuple(Label(name=name, description="some rows") for name in sorted(set(table["label"].to_pylist())))
    rules = named_filters(DenoiseSettings(), Task("corpus", "Rows.", labels, ()))
    seconds: dict[str, list[float]] = defaultdict(list)
    for _ in range(repeat):
        for name in ("as seen", *rules):
            batch = as_seen(table)
            began = time.perf_counter()
            as_seen(table) if name == "as seen" else filter_reasons(_fresh(batch), [rules[name]])
            seconds[name].append(time.perf_counter() - began)
    print("| filter | rows/s |\n| --- | ---: |")
    for name, found in sorted(seconds.items(), key=lambda item: -statistics.median(item[1])):
        print(f"| {name} | {rows / statistics.median(found):,.0f} |")


def _fresh(batch: pa.Table) -> pa.Table:
    """Without what an earlier filter may have left in caches of the objects."""
    return pa.Table.from_batches(batch.to_batches())


if __name__ == "__main__":
    typer.run(main)
