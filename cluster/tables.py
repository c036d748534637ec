"""Writing a small table where a user wants it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TextIO

import pyarrow as pa

from generation.errors import UserError

SUFFIXES = (".jsonl", ".csv", ".parquet")


def check_suffix(path: Path) -> None:
    """Raises UserError when a table cannot be written to a file of this name, or its folder does not exist."""
    if path.suffix not in SUFFIXES:
        raise UserError(f"{path}: must end in one of {', '.join(SUFFIXES)}")
    check_folder_of(path)


def check_folder_of(path: Path) -> None:
    """Raises UserError when there is no folder to write the file `path` into."""
    if not path.parent.is_dir():
        raise UserError(f"{path}: cannot be written: {path.parent} is no folder")


def write_table(table: pa.Table, path: Path) -> None:
    """Write by suffix, whole or not at all. Raises UserError."""
    check_suffix(path)
    scratch = path.with_name(f".{path.name}.tmp")
    try:
        if path.suffix == ".parquet":
            import pyarrow.parquet as pq

            pq.write_table(table, scratch, compression="zstd")
        elif path.suffix == ".csv":
            from pyarrow import csv

            csv.write_csv(table, scratch)
        else:
            with scratch.open("w", encoding="utf-8") as stream:
                print_jsonl(table, stream)
        scratch.replace(path)
    except OSError as error:
        scratch.unlink(missing_ok=True)
        raise UserError(f"{path}: cannot be written: {error.strerror or error}") from None


def print_jsonl(table: pa.Table, stream: TextIO | None = None) -> None:
    """One JSON object a line."""
    for row in table.to_pylist():
        print(json.dumps(row, ensure_ascii=False), file=stream or sys.stdout)
