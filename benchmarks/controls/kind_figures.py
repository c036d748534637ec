"""What is measured of rows with several labels or tags."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
import pyarrow as pa
from yardstick.cleaning import clean
from yardstick.encoders import Vectors
from yardstick.kinds import KindSplit
from yardstick.sets import RealSet, Split

from controls.figures import AT, nearest
from controls.oracles import Check, Oracle
from denoise.diversity import copy_rate, distinct
from denoise.settings import DenoiseSettings
from generation.kinds.base import Kind, UnreadableError
from generation.task import Example, Task

NAN = float("nan")


@dataclass(frozen=True)
class KindFigures:
    """Of the rows of one way.

    `readable`: percent that are rows of their kind; `stand`: percent that filters and deduplication leave too;
    `right`, `exact`: of those, percent of their labels or spans that the oracle sees too, and percent of rows in which
    it sees the same and no other; `distinct_2`, `nearest`: distinct word bigrams, and mean cosine to the nearest other
    text, of AT of them; `copies`: percent of all rows that are copies of seeds; `seconds`: for a standing row, training
    included.
    """

    rows: int
    right: float
    exact: float
    readable: float = NAN
    stand: float = NAN
    distinct_2: float = NAN
    nearest: float = NAN
    copies: float = NAN
    seconds: float = NAN


def as_split(split: KindSplit, k: int) -> Split:
    """As methods see it: labels are targets, seeds are written."""
    shown = split.kind.shown(split.task)
    real = RealSet(shown.name, shown.description, shown.labels, (), ())
    return Split(real, k, 0, shown.seeds, (), ())


def score(checks: Sequence[Check]) -> KindFigures:
    """Of rows that an oracle has seen."""
    seen, of = sum(check.seen for check in checks), sum(check.of for check in checks)
    return KindFigures(len(checks), 100 * seen / of, 100 * float(np.mean([check.exact for check in checks])))


def measure_kind(
    rows: pa.Table,
    split: KindSplit,
    shown: Task,
    oracle: Oracle,
    vectors: Vectors,
    settings: DenoiseSettings,
    seconds: float,
) -> KindFigures:
    """The figures of generated `rows` (ROW_SCHEMA), whose texts are as they were written; they took so many seconds."""
    pairs = zip(rows["text"].to_pylist(), rows["intended_label"].to_pylist(), strict=True)
    readable = sum(_read(split.kind, *pair) is not None for pair in pairs)
    drafts = clean(rows, shown, settings)
    read = [found for draft in drafts if (found := _read(split.kind, draft.text, draft.label)) is not None]
    figures = score(oracle.checks(read))
    chosen = [read[place].text for place in np.random.default_rng(0).permutation(len(read))[:AT]]
    written = [seed.text for seed in shown.seeds]
    return KindFigures(
        rows.num_rows,
        figures.right,
        figures.exact,
        100 * readable / rows.num_rows,
        100 * len(read) / rows.num_rows,
        distinct(chosen, 2),
        nearest(vectors.of(chosen)),
        100 * copy_rate(rows["text"].to_pylist(), written, settings.seed_copy),
        seconds / len(read),
    )


def _read(kind: Kind, written: str, target: str) -> Example | None:
    """An answer as an example; None for one that is no row."""
    try:
        columns = kind.parse(written, target)
    except UnreadableError:
        return None
    return Example(
        columns["text"], target, tokens=tuple(columns.get("tokens", ())), tags=tuple(columns.get("tags", ()))
    )


def table(name: str, found: Mapping[str, KindFigures]) -> str:
    """One line a way."""
    columns = [field.name for field in fields(KindFigures)]
    lines = [f"{name}\n", f"| way | {' | '.join(columns)} |", "| --- |" + " ---: |" * len(columns)]
    shapes = ["{:.0f}", "{:.1f}", "{:.1f}", "{:.1f}", "{:.1f}", "{:.3f}", "{:.3f}", "{:.1f}", "{:.2f}"]
    for way, figures in found.items():
        values = [getattr(figures, column) for column in columns]
        cells = ("–" if value != value else shape.format(value) for shape, value in zip(shapes, values, strict=True))
        lines.append(f"| {way} | {' | '.join(cells)} |")
    return "\n".join(lines)
