"""What an exported row has, and the three forms in which files hold it."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import fs

from cluster.review.sheet import neutral
from cluster.tables import print_jsonl
from generation.kinds.base import Kind
from generation.kinds.spans import OUTSIDE
from generation.parts import write_part
from generation.records import map_column
from generation.task import Example

FORMATS = ("hf", "jsonl", "csv")
PART_ROWS = 1_000_000
LINEAGE = ("source", "method", "round", "intended_label", "seed_ids", "weight")


def columns_of(kind: Kind, rows: pa.Table) -> pa.Table:
    """Rows of a dataset version as they are passed on, labels by name: id, content, label, `confidence`, lineage."""
    names = ["id", "text", *(name for name in kind.columns if name in rows.column_names)]
    names += [] if kind.has_several or "tags" in kind.columns else ["label"]
    scores = [each.get("judge_confidence") for each in map_column(rows, "scores")]
    table = rows.select(names).append_column("confidence", pa.array(scores, pa.float64()))
    for name in LINEAGE:
        table = table.append_column(rows.schema.field(name), rows[name])
    return table


def classes_of(kind: Kind) -> dict[str, list[str]]:
    """The columns that hold classes, and these in the order of their numbers."""
    if "tags" in kind.columns:
        return {"tags": [OUTSIDE, *(f"{mark}-{slot}" for slot in kind.labels for mark in "BI")]}
    return {"labels" if kind.has_several else "label": list(kind.labels)}


def coded(table: pa.Table, classes: Mapping[str, Sequence[str]]) -> pa.Table:
    """With numbers for classes, as the hub's readers want them; a single label stands beside it as `label_text`."""
    for column, names in classes.items():
        places, place = {name: number for number, name in enumerate(names)}, table.schema.get_field_index(column)
        values = table[column].to_pylist()
        if column == "label":
            numbers = pa.array([places[value] for value in values], pa.int64())
            table = table.add_column(place + 1, "label_text", table[column])
        else:
            numbers = pa.array([[places[each] for each in value] for value in values], pa.list_(pa.int64()))
        table = table.set_column(place, column, numbers)
    return table


def write_parquet(folder: Path, split: str, table: pa.Table, run_id: str) -> int:
    """`data/SPLIT-00000-of-0000N.parquet`; returns their bytes."""
    (folder / "data").mkdir(exist_ok=True)
    count, size = max(1, -(-table.num_rows // PART_ROWS)), 0
    for number in range(count):
        path = folder / "data" / f"{split}-{number:05d}-of-{count:05d}.parquet"
        part = table.slice(number * PART_ROWS, PART_ROWS)
        size += write_part(fs.LocalFileSystem(), str(path), part, run_id)
    return size


def write_jsonl(folder: Path, split: str, table: pa.Table) -> None:
    """`SPLIT.jsonl`, an object a line."""
    with (folder / f"{split}.jsonl").open("w", encoding="utf-8") as stream:
        print_jsonl(table, stream)


def write_csv(folder: Path, split: str, table: pa.Table, kind: Kind) -> None:
    """`SPLIT.csv`, no cell of which a spreadsheet takes for a formula; labels joined by +, tagged texts marked."""
    with (folder / f"{split}.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        names = [name for name in table.column_names if name not in ("tokens", "tags")]
        writer.writerow(names)
        for row in table.to_pylist():
            if "tags" in row:
                shown = Example(row["text"], tokens=tuple(row["tokens"]), tags=tuple(row["tags"]))
                row["text"] = kind.write(shown)
            writer.writerow([neutral(_cell(name, row[name])) for name in names])


def _cell(name: str, value: Any) -> str:
    if isinstance(value, list):
        return ("+" if name == "labels" else " ").join(value)
    return "" if value is None else str(value)
