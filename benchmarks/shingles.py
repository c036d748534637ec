"""What should `labelmill dedup` compare? Settings side by side on a corpus whose copies are known.

    python benchmarks/shingles.py CORPUS

CORPUS is a folder of Parquet parts (`id`, `text`) with CORPUS_truth.parquet (`id`, `group`) beside it. All in one
process, without Ray; seconds are those of reading texts and of comparing them. Recall and precision are those of pairs
of planted copies, by cluster; `components` is the precision if everything that hangs together were one cluster.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import typer
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from denoise.dedup.columns import Columns
from denoise.dedup.compare import compare_band
from denoise.dedup.edges import Edges, join_edges
from denoise.dedup.roster import Roster, call_roll
from denoise.dedup.settings import BANDS, DedupSettings
from denoise.dedup.sketches import shingles_in, sketch_rows
from denoise.dedup.verdict import decide

SETTINGS = (
    ("words", 1, 0.6),
    ("words", 1, 0.65),
    ("words", 1, 0.7),
    ("words", 2, 0.5),
    ("words", 2, 0.55),
    ("words", 2, 0.6),
    ("characters", 5, 0.5),
    ("characters", 5, 0.6),
)
HEAD = "| shingles | threshold | rows a band | pairs compared | recall | precision | components | seconds |"
LINE = "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"


@dataclass(frozen=True)
class Result:
    """One setting on the corpus."""

    shingle: str
    ngram: int
    threshold: float
    rows: int
    compared: int
    recall: float
    precision: float
    components: float
    seconds: float


def main(
    corpus: Annotated[Path, typer.Argument(exists=True, file_okay=False)],
    json_file: Annotated[Path | None, typer.Option("--json", help="every setting")] = None,
) -> None:
    """Try all settings, print a Markdown table."""
    rows = pq.read_table(corpus, columns=["id", "text"])
    truth = pq.read_table(f"{corpus}_truth.parquet", columns=["id", "group"])
    results = [try_settings(rows, truth, DedupSettings(*each)) for each in SETTINGS]  # type: ignore[arg-type]
    print("\n".join([HEAD, LINE, *map(line, results)]))
    if json_file:
        json_file.write_text(json.dumps([asdict(each) for each in results]) + "\n")


def try_settings(rows: pa.Table, truth: pa.Table, settings: DedupSettings) -> Result:
    """Deduplicate, and compare the clusters with the truth."""
    began = time.monotonic()
    sketches = sketch_rows(rows, Columns("text", None, "id"), settings)
    roster = call_roll([], [sketches], False, "id")
    shingles = shingles_in(sketches).take(roster.row[roster.text_rank])
    firsts = np.array([0, roster.texts])
    found = [compare_band(band, [lambda: shingles], firsts, roster.settled, settings) for band in range(BANDS)]
    edges = join_edges([(each.pairs, each.similar) for each in found], roster.texts)
    cluster = decide(roster, edges).cluster
    seconds = time.monotonic() - began
    groups = truth["group"].to_numpy()[np.argsort(truth["id"].to_numpy())][np.asarray(roster.ids)]
    recall, precision = score(groups, cluster)
    compared = sum(each.compared for each in found)
    components = score(groups, hanging_together(roster, edges))[1]
    columns = (settings.shingle, settings.ngram, settings.threshold, settings.rows)
    return Result(*columns, compared, recall, precision, components, seconds)


def hanging_together(roster: Roster, edges: Edges) -> np.ndarray:
    """The component of each row."""
    ends = (edges.pairs[:, 0], edges.pairs[:, 1])
    graph = coo_array((np.ones(len(edges.pairs)), ends), shape=(roster.texts, roster.texts))
    return connected_components(graph)[1][roster.text]


def score(groups: np.ndarray, clusters: np.ndarray) -> tuple[float, float]:
    """Of all pairs of one group the share in one cluster, and the other way round."""
    groups, clusters = (np.unique(each, return_inverse=True)[1].astype(np.int64) for each in (groups, clusters))
    shared = pairs(groups * len(groups) + clusters)
    return shared / pairs(groups), shared / pairs(clusters)


def pairs(codes: np.ndarray) -> int:
    """Pairs of equal codes."""
    sizes = np.unique(codes, return_counts=True)[1]
    return int((sizes * (sizes - 1) // 2).sum())


def line(result: Result) -> str:
    """A row of the table."""
    runs = f"1 to {result.ngram} words" if result.ngram > 1 else "single words"
    name = runs if result.shingle == "words" else f"{result.ngram} characters"
    shares = " | ".join(f"{each:.3f}" for each in (result.recall, result.precision, result.components))
    start = f"| {name} | {result.threshold:g} | {result.rows} | {result.compared / 1e6:.1f}M"
    return f"{start} | {shares} | {result.seconds:.1f} |"


if __name__ == "__main__":
    typer.run(main)
