"""The map of rows and the data map (cluster.mapping) on paper."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

WIDTH, HEIGHT = 720, 480
SHAPES = 8  # of marks, and colours beside them
NAMED = 24  # labels whose names stand on the map at once
LISTED = 5  # rows of each table
_EDGE, _LINE = 16, 13
_LEFT, _TOP, _BOTTOM, _STEP = 52, 14, 440, 0.05  # of the data map's axes
OUTCOMES = {"kept": "kept", "moved": "kept under another label", "lost": "dropped by the judge", "seed": "seed"}


class Point(NamedTuple):
    """A row on paper, and what is said of it."""

    x: float
    y: float
    said: str


@dataclass(frozen=True)
class Group:
    """Points of a label, outcome and round that look alike; `number` is the label's, `round` None for seeds."""

    number: int
    outcome: str
    round: int | None
    points: tuple[Point, ...]


@dataclass(frozen=True)
class Name:
    """A label where most of its rows lie, and how many there are."""

    number: int
    label: str
    x: float
    y: float
    rows: int

    @property
    def shape(self) -> int:
        return self.number % SHAPES

    @property
    def colour(self) -> int:
        """With `shape`, another pair for each of the first 64 labels."""
        return (self.number + self.number // SHAPES) % SHAPES


@dataclass(frozen=True)
class RowMap:
    """Rows by meaning: near ones mean nearly the same."""

    names: tuple[Name, ...]
    groups: tuple[Group, ...]
    rounds: tuple[int, ...]

    @property
    def newest(self) -> int | None:
        return self.rounds[-1] if self.rounds else None


class Learnt(NamedTuple):
    """A row of a table beside the data map."""

    text: str
    label: str
    confidence: float
    variability: float


@dataclass(frozen=True)
class DataMap:
    """Rows by how they are learnt; `widest` is the variability at the right edge, `ticks` some up to it.

    `hard` are kept rows of the least confidence, `ambiguous` those of the greatest variability.
    """

    groups: tuple[Group, ...]
    widest: float
    ticks: tuple[float, ...]
    hard: tuple[Learnt, ...]
    ambiguous: tuple[Learnt, ...]


def row_map(table: pa.Table, labels: Sequence[str]) -> RowMap | None:
    """Of MAP_SCHEMA: rows that the dataset or the seeds hold; labels are numbered in the order of `labels`."""
    rows = [row for row in table.to_pylist() if row["outcome"] != "lost"]
    if not rows:
        return None
    labels = [*labels, *sorted({row["label"] for row in rows} - set(labels))]
    numbers = {label: number for number, label in enumerate(labels)}
    groups: dict[tuple[int, bool, int], list[Point]] = {}
    for row in rows:
        seed = row["outcome"] == "seed"
        key = numbers[row["label"]], seed, -1 if seed else row["round"]
        groups.setdefault(key, []).append(Point(*_on_map(row["x"], row["y"]), _said(row)))
    return RowMap(
        names=_spread(_names(rows, numbers)),
        groups=tuple(
            Group(number, "seed" if seed else "kept", None if seed else round_, tuple(points))
            for (number, seed, round_), points in sorted(groups.items(), key=lambda item: (item[0][1], item[0]))
        ),
        rounds=tuple(sorted({row["round"] for row in rows if row["round"] is not None})),
    )


def data_map(table: pa.Table) -> DataMap | None:
    """Of MAP_SCHEMA: the rows of which it is known how they are learnt; None where it is of none."""
    rows = [row for row in table.to_pylist() if row["confidence"] is not None]
    if not rows:
        return None
    steps = math.ceil(max(row["variability"] for row in rows) / _STEP + 1e-6)
    widest = steps * _STEP
    groups: dict[str, list[Point]] = {name: [] for name in OUTCOMES}
    for row in rows:
        x = _LEFT + row["variability"] / widest * (WIDTH - _EDGE - _LEFT)
        y = _BOTTOM - row["confidence"] * (_BOTTOM - _TOP)
        groups[row["outcome"]].append(Point(round(x, 1), round(y, 1), _said(row)))
    kept = [row for row in rows if row["outcome"] in ("kept", "moved")]
    return DataMap(
        groups=tuple(Group(0, name, None, tuple(points)) for name, points in groups.items() if points),
        widest=widest,
        ticks=tuple(number * _STEP for number in range(steps + 1)),
        hard=_listed(sorted(kept, key=lambda row: (row["confidence"], row["id"]))),
        ambiguous=_listed(sorted(kept, key=lambda row: (-row["variability"], row["id"]))),
    )


def _on_map(x: float, y: float) -> tuple[float, float]:
    """Both sides are used whole: distances tell little."""
    wide, high = (WIDTH - 2 * _EDGE) / 2, (HEIGHT - 2 * _EDGE) / 2
    return round(WIDTH / 2 + x * wide, 1), round(HEIGHT / 2 - y * high, 1)


def _said(row: dict[str, Any]) -> str:
    made = "seed" if row["round"] is None else f"round {row['round']}, {OUTCOMES[row['outcome']]}"
    return f"{row['text']}\n{row['label']} ({made})"


def _listed(rows: Sequence[dict[str, Any]]) -> tuple[Learnt, ...]:
    names = ("text", "label", "confidence", "variability")
    return tuple(Learnt(*(row[name] for name in names)) for row in rows[:LISTED])


def _names(rows: Sequence[dict[str, Any]], numbers: dict[str, int]) -> list[Name]:
    found = []
    for label, number in numbers.items():
        mine = [row for row in rows if row["label"] == label]
        if mine:
            middle = np.median([_on_map(row["x"], row["y"]) for row in mine], axis=0)
            found.append(Name(number, label, round(float(middle[0]), 1), round(float(middle[1]), 1), len(mine)))
    return found


def _spread(names: list[Name]) -> tuple[Name, ...]:
    """Names that would lie on one another, one below the other; all that are too many for it stay where they are."""
    if len(names) > NAMED:
        return tuple(names)
    placed: list[Name] = []
    for name in sorted(names, key=lambda each: each.y):
        y = name.y
        while any(abs(y - each.y) < _LINE and abs(name.x - each.x) < 120 for each in placed):
            y += 1
        placed.append(Name(name.number, name.label, name.x, round(y, 1), name.rows))
    return tuple(sorted(placed, key=lambda each: each.number))
