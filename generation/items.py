"""The items of a hand-made file: JSON, JSONL, CSV or Parquet, told apart by suffix."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from generation.errors import UserError, clip

Items = Iterator[tuple[int, Any]]  # each item's place, counted from 1, and its columns


def read_items(path: Path) -> tuple[str, Items]:
    """What a place is called (line, item, row), and the places with what stands there. Raises UserError.

    Nothing is checked but the format: an item of a JSON file may be anything.
    """
    if path.suffix.lower() not in _READERS:
        raise UserError(f"{path}: must end in one of {', '.join(_READERS)}; got {path.suffix!r}")
    unit, reader = _READERS[path.suffix.lower()]
    return unit, reader(path, _read_bytes(path))


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from None


def _decode(path: Path, data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UserError(f"{path} line {line}: must be UTF-8; byte {error.start} is {data[error.start]:#04x}") from None


def _json(path: Path, data: bytes) -> Items:
    text = _decode(path, data)
    content = _parse(path, text, 1) if text.strip() else []
    if not isinstance(content, list):
        raise UserError(f"{path}: must be a list of objects; got {clip(content)}")
    yield from enumerate(content, 1)


def _jsonl(path: Path, data: bytes) -> Items:
    # not splitlines: U+2028 and others may stand inside a JSON string
    for place, line in enumerate(_decode(path, data).split("\n"), 1):
        if line.strip():
            yield place, _parse(path, line, place)


def _parse(path: Path, text: str, line: int) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        where = f"{path} line {line + error.lineno - 1} column {error.colno}"
        raise UserError(f"{where}: not valid JSON: {error.msg.lower()}") from None
    except (ValueError, RecursionError):
        raise UserError(f"{path} line {line}: not valid JSON: a number too long or nesting too deep") from None


def _csv(path: Path, data: bytes) -> Items:
    rows = csv.reader(io.StringIO(_decode(path, data), newline=""), strict=True)
    header: list[str] = []
    start = 1
    try:
        for cells in rows:
            if cells and not header:
                header = [cell.strip() for cell in cells]
                _check_header(path, start, header)
            elif cells:
                if len(cells) != len(header):
                    raise UserError(f"{path} line {start}: must have {len(header)} cells; got {len(cells)}")
                yield start, dict(zip(header, cells, strict=True))
            start = rows.line_num + 1
    except csv.Error as error:
        raise UserError(f"{path} line {start}: not valid CSV: {error}") from None


def _check_header(path: Path, line: int, header: list[str]) -> None:
    for name in header:
        if header.count(name) > 1:
            raise UserError(f"{path} line {line}: columns must differ; got {name!r} twice")


def _parquet(path: Path, data: bytes) -> Items:
    try:
        rows = pq.ParquetFile(pa.BufferReader(data)).read().to_pylist()
    except pa.ArrowException as error:
        raise UserError(f"{path}: not valid Parquet: {' '.join(str(error).split())}") from None
    except UnicodeDecodeError:
        raise UserError(f"{path}: must hold UTF-8 strings") from None
    yield from enumerate(rows, 1)


_READERS: dict[str, tuple[str, Callable[[Path, bytes], Items]]] = {
    ".json": ("item", _json),
    ".jsonl": ("line", _jsonl),
    ".csv": ("line", _csv),
    ".parquet": ("row", _parquet),
}
