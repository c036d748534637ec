"""The files of a pool: what they hold, by which name they are known, and as pieces that workers read."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from cluster.store import Store
from generation.errors import UserError, clip
from generation.items import read_items
from generation.location import address_of, filesystem_of, locate, path_of
from generation.pieces import Piece, Pieces, find_pieces, is_string
from generation.records import digest

SMALL = (".json", ".jsonl", ".csv")  # read at once, and put into the run as Parquet
_BLOCK = 1 << 22


@dataclass(frozen=True)
class Wish:
    """Files with a column of texts and perhaps one of sources; `again` takes more of a pool that was fed."""

    files: Sequence[str]
    text: str = "text"
    source: str = "source"
    again: bool = False
    workers: int = 1


@dataclass(frozen=True)
class Pool:
    """Pieces of Parquet with a column of texts, and perhaps one of sources; `digest` is that of the files' bytes."""

    pieces: tuple[Piece, ...]
    text: str
    source: str | None
    digest: str

    @property
    def rows(self) -> int:
        return sum(piece.rows for piece in self.pieces)


def pool_digest(places: Sequence[str], text: str = "text") -> str:
    """Hash of what the files of a pool hold and of which column is read; their order and names do not matter.

    Raises UserError where one is missing.
    """
    return digest("pool", text, sorted(_digest(file) for place in places for file in _files(place)))


def open_pool(places: Sequence[str], text: str, source: str, found: str, store: Store, folder: str) -> Pool:
    """The pool of these places, whose digest is `found`; what is no Parquet is first put into `folder` of the run.

    Raises UserError for anything that cannot be read.
    """
    parquet = [_as_parquet(place, number, text, source, store, folder) for number, place in enumerate(places)]
    pieces = [find_pieces([place], (text,)) for place in parquet]
    names = [_source_of(each, place, source) for each, place in zip(pieces, places, strict=True)]
    if len(set(names)) > 1:
        raise UserError(f"{places[0]}: all files must have a column {source!r}, or none")
    return Pool(tuple(piece for each in pieces for piece in each.pieces), text, names[0], found)


def _source_of(pieces: Pieces, place: str, source: str) -> str | None:
    if source not in pieces.schema.names:
        return None
    if not is_string(kind := pieces.schema.field(source).type):
        raise UserError(f"{place}: column {source!r} must hold strings; got {kind}")
    return source


def _as_parquet(place: str, number: int, text: str, source: str, store: Store, folder: str) -> str:
    """A place of Parquet as it is; of a small file of another kind a copy in the run."""
    if Path(place).suffix.lower() not in SMALL:
        return place
    unit, items = read_items(Path(place))
    rows = []
    for line, item in items:
        if not isinstance(item, dict) or not isinstance(item.get(text), str):
            raise UserError(f"{place} {unit} {line}: {text} must be a string; got {clip(item)}")
        rows.append({text: item[text], source: item.get(source)})
    if not rows:
        raise UserError(f"{place}: no rows")
    columns = [text, *([source] if any(row[source] is not None for row in rows) else [])]
    table = pa.table({name: pa.array([_word(row[name]) for row in rows], pa.string()) for name in columns})
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    name = f"{folder}/input/part-{number:03d}.parquet"
    store.write_bytes(name, sink.getvalue().to_pybytes())
    return address_of(store.root / name)


def _word(value: object) -> str | None:
    return None if value is None else str(value)


def _files(place: str) -> list[str]:
    """The files of a place as it is handed over."""
    if Path(place).suffix.lower() in SMALL:
        return [place]
    return list(dict.fromkeys(piece.file for piece in find_pieces([place], ()).pieces))


def _digest(file: str) -> str:
    found, place = hashlib.sha256(), locate(file)
    try:
        with filesystem_of(place).open_input_stream(path_of(place)) as stream:
            while block := stream.read(_BLOCK):
                found.update(block)
    except FileNotFoundError:
        raise UserError(f"{file}: no such file") from None
    except OSError as error:
        raise UserError(f"{file}: cannot be read ({error})") from None
    return found.hexdigest()
