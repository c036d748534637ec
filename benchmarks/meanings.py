"""Which rows say the same in other words? Real rows that filters, exact and near duplicates leave, by their embeddings.

    python benchmarks/meanings.py --data DATA

By the encoder as it comes, and by the judge that is tuned on ten seeds of each label. A row that falls to one of
another label shows that the two hardly said the same. `in buckets` is the share of all pairs as alike as that which
the buckets find.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import numpy as np
import typer
from yardstick.cleaning import Draft, clean
from yardstick.encoders import Encoders, Vectors
from yardstick.sets import MOST_SEEDS, Split, draw_split, read_set

from denoise.dedup.semantic import FEW, label_thresholds, semantic_edges
from denoise.dedup.survivors import STANDS, survivors
from denoise.settings import DenoiseSettings
from generation.errors import UserError
from generation.records import rows_table
from training.device import prepare_process
from training.settings import StudentSettings

BARS = (0.85, 0.9, 0.95)


def main(
    data: Annotated[Path, typer.Option(help="folder of the real sets")],
    out: Annotated[Path, typer.Option(help="where judges are kept")] = Path("runs/meanings"),
    set_: Annotated[list[str] | None, typer.Option("--set")] = None,
    judge: Annotated[bool, typer.Option(help="tune a judge for each set too")] = True,
) -> None:
    """Print a Markdown table."""
    prepare_process()
    encoders = Encoders(out, StudentSettings())
    try:
        splits = [draw_split(read_set(name, data), MOST_SEEDS, 0) for name in set_ or ["banking10", "clinc10"]]
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(2) from None
    print(
        "| set | rows | embeddings | at least | removed | other label | as the seeds ask | other label | in buckets |"
    )
    print("| --- | ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for split in splits:
        rows = left_of(split)
        known = {"the encoder": encoders.frozen} | ({"the judge": encoders.judge(split).vectors} if judge else {})
        for name, vectors in known.items():
            for cells in compare(split, rows, vectors):
                print(f"| {split.real.name} | {len(rows)} | {name} | {' | '.join(cells)} |", flush=True)


def left_of(split: Split) -> list[Draft]:
    """What the lexical steps leave of a set's rows beside the seeds."""
    fixed = {"source": "pool", "round": 0, "wave": 0, "finish_reason": "stop"}
    texts = enumerate(split.rest)
    rows = ({**fixed, "id": str(place), "text": row.text, "intended_label": row.label} for place, row in texts)
    return clean(rows_table(rows), split.task, DenoiseSettings())


def compare(split: Split, rows: list[Draft], vectors: Vectors) -> list[list[str]]:
    """The cells of each bar."""
    own, labels = vectors.of([row.text for row in rows]), np.array([row.label for row in rows])
    seeds = vectors.of([seed.text for seed in split.seeds])
    found = []
    for bar in BARS:
        asked = label_thresholds(seeds, [seed.label for seed in split.seeds], bar)
        cells = [f"{bar:g}"]
        for least in (np.full(len(rows), bar), np.array([asked[label] for label in labels])):
            edges = semantic_edges(own, least)
            twins = survivors(len(rows), edges)
            gone = np.flatnonzero(twins != STANDS)
            wrong = int((labels[gone] != labels[twins[gone]]).sum())
            cells += [f"{len(gone)}", f"{wrong}"]
        found.append([*cells, share_in_buckets(own, bar) if len(rows) > FEW else "all compared"])
    return found


def share_in_buckets(vectors: np.ndarray, bar: float) -> str:
    """Of all pairs that reach the bar."""
    blocks = range(0, len(vectors), FEW)
    reached = sum(int((vectors[start : start + FEW] @ vectors.T >= bar).sum()) for start in blocks)
    return f"{100 * len(semantic_edges(vectors, np.full(len(vectors), bar))) / ((reached - len(vectors)) / 2):.1f} %"


if __name__ == "__main__":
    typer.run(main)
