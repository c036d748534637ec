"""The files of a pool: what they hold, by which name they are known, and as pieces that workers read."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from cluster.store import Store
from generation.errors import UserError, clip
from generation.items import read_items
from generation.kinds.pair import MARK, TEXT, join_all
from generation.location import address_of, filesystem_of, locate, path_of
from generation.pieces import Piece, Pieces, find_pieces, is_string
from generation.records import digest

SMALL = (".json", ".jsonl", ".csv")  # read at once, and put into the run as Parquet
_BLOCK = 1 << 22


@dataclass(frozen=True)
class Wish:
    """Files with a column of texts and perhaps one of sources; `again` takes more of a pool that was fed, `drop` first
    drops an unfinished feed of another.

    The texts of pairs are in two columns of set names, whatever `text` is.
    """

    files: Sequence[str]
    text: str = TEXT
    source: str = "source"
    again: bool = False
    workers: int = 1
    drop: bool = False


@dataclass(frozen=True)
class Pool:
    """Pieces of Parquet with `columns` of texts, and perhaps one of sources; `digest` is that of the files' bytes."""

    pieces: tuple[Piece, ...]
    columns: tuple[str, ...]
    source: str | None
    digest: str

    @property
    def rows(self) -> int:
        return sum(piece.rows for piece in self.pieces)

    def texts(self, table: pa.Table) -> list[str | None]:
        """What is read of each row of a piece; "" of a pair that lacks a text, or could not be told apart again."""
        if len(self.columns) == 1:
            return table[self.columns[0]].to_pylist()
        return [
            text if text.count(MARK) == 1 else ""
            for text in join_all(*(table[name].to_pylist() for name in self.columns))
        ]


def pool_digest(places: Sequence[str], columns: Sequence[str] = (TEXT,)) -> str:
    """Hash of what the files of a pool hold and of which columns are read; their order and names do not matter.

    Raises UserError where one is missing.
    """
    return digest("pool", *columns, sorted(_digest(file) for place in places for file in _files(place)))


def open_pool(
    places: Sequence[str],
    columns: tuple[str, ...],
    source: str,
    found: str,
    store: Store,
    folder: str,
    clean: Callable[[str], str] = str,
) -> Pool:
    """The pool of these places, whose digest is `found`; what is no Parquet is first put into `folder` of the run.

    There its texts are `clean`. Pieces are in the order of the digests of their files, so that a feed that is taken up
    again knows its parts, in whichever order files are named and whatever they are called by now. Raises UserError for
    anything that cannot be read.
    """
    digests = {place: {file: _digest(file) for file in _files(place)} for place in places}
    ordered = sorted(places, key=lambda place: sorted(digests[place].values()))
    names, pieces = list[str | None](), list[tuple[str, Piece]]()
    for number, place in enumerate(ordered):
        parquet = _as_parquet(place, number, columns, source, store, folder, clean)
        of_place = find_pieces([parquet], columns)
        names.append(_source_of(of_place, place, source))
        pieces += [(digests[place].get(piece.file) or digests[place][place], piece) for piece in of_place.pieces]
    if len(set(names)) > 1:
        raise UserError(f"{places[0]}: all files must have a column {source!r}, or none")
    pieces.sort(key=lambda each: (each[0], each[1].group))
    return Pool(tuple(piece for _, piece in pieces), columns, names[0], found)


def _source_of(pieces: Pieces, place: str, source: str) -> str | None:
    if source not in pieces.schema.names:
        return None
    if not is_string(kind := pieces.schema.field(source).type):
        raise UserError(f"{place}: column {source!r} must hold strings; got {kind}")
    return source


def _as_parquet(
    place: str,
    number: int,
    columns: Sequence[str],
    source: str,
    store: Store,
    folder: str,
    clean: Callable[[str], str],
) -> str:
    """A place of Parquet as it is; of a small file of another kind a copy in the run."""
    if Path(place).suffix.lower() not in SMALL:
        return place
    unit, items = read_items(Path(place))
    rows = []
    for line, item in items:
        for name in columns:
            if not isinstance(item, dict) or not isinstance(item.get(name), str):
                raise UserError(f"{place} {unit} {line}: {name} must be a string; got {clip(item)}")
        rows.append({name: clean(item[name]) for name in columns} | {source: item.get(source)})
    if not rows:
        raise UserError(f"{place}: no rows")
    names = [*columns, *([source] if any(row[source] is not None for row in rows) else [])]
    table = pa.table({name: pa.array([_word(row[name]) for row in rows], pa.string()) for name in names})
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
