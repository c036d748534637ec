"""Parquet files that a user hands over: found, checked before anything is read, and cut into pieces for workers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from generation.errors import UserError, clip
from generation.location import address_of, filesystem_of, locate, path_of

LEAVES_OUT = "; --skip-corrupt leaves it out"  # after what is wrong with a file


@dataclass(frozen=True)
class Piece:
    """One row group of a file; `file` is what `locate` takes, `bytes` its size before compression."""

    file: str
    group: int
    rows: int
    bytes: int = field(default=0, compare=False)


@dataclass(frozen=True)
class Pieces:
    """All pieces in the order of files and groups; `schema` is that of every file, `skipped` says of which none is."""

    schema: pa.Schema
    pieces: tuple[Piece, ...]
    skipped: Mapping[str, str]

    @property
    def rows(self) -> int:
        return sum(piece.rows for piece in self.pieces)


def find_pieces(places: Sequence[str], strings: Sequence[str], skip_corrupt: bool = False) -> Pieces:
    """The pieces of files and folders of .parquet files; columns named in `strings` must hold strings.

    Only footers are read. Names that begin with a dot or an underscore are no data. Raises UserError for a place that
    is missing or without files, a column that is missing or of another type, files of unlike columns, no rows at all,
    and, unless `skip_corrupt`, a file that is not Parquet.
    """
    found: list[Piece] = []
    skipped: dict[str, str] = {}
    first: tuple[str, pa.Schema] | None = None
    for file in [file for place in places for file in _files(place)]:
        try:
            footer = _open(file).metadata
        except (pa.ArrowException, OSError) as error:
            if not skip_corrupt:
                raise UserError(f"{file}: not valid Parquet: {_said(error)}{LEAVES_OUT}") from None
            skipped[file] = _said(error)
            continue
        schema = footer.schema.to_arrow_schema().remove_metadata()
        for name in strings:
            _check_column(file, schema, name)
        if first is None:
            first = file, schema
        elif schema != first[1]:
            raise UserError(f"{file}: must have the columns of {first[0]}: {_difference(first[1], schema)}")
        groups = ((group, footer.row_group(group)) for group in range(footer.num_row_groups))
        found += [Piece(file, group, each.num_rows, each.total_byte_size) for group, each in groups]
    if first is None or not any(piece.rows for piece in found):
        raise UserError(f"{', '.join(places)}: must have rows; got none")
    return Pieces(first[1], tuple(piece for piece in found if piece.rows), skipped)


def read_piece(piece: Piece, columns: Sequence[str] | None = None) -> pa.Table:
    """The rows of a piece. Raises UserError where the file is corrupt."""
    try:
        return _open(piece.file).read_row_group(piece.group, columns=columns).replace_schema_metadata(None)
    except (pa.ArrowException, OSError) as error:
        raise UserError(f"{piece.file} row group {piece.group}: cannot be read: {_said(error)}") from None


def is_string(kind: pa.DataType) -> bool:
    """Whether a column of this type holds strings, dictionary-encoded or not."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _files(place: str) -> Iterator[str]:
    """Addresses of the files of a place, by name."""
    root = locate(place)
    system, path = filesystem_of(root), path_of(root)
    info = system.get_file_info(path)
    if info.type == fs.FileType.File:
        yield address_of(root)
        return
    if info.type != fs.FileType.Directory:
        raise UserError(f"{place}: no such file or folder")
    inside = system.get_file_info(fs.FileSelector(path, recursive=True))
    names = sorted(each.path.removeprefix(path).strip("/") for each in inside if each.type == fs.FileType.File)
    names = [name for name in names if name.endswith(".parquet") and not _is_hidden(name)]
    if not names:
        raise UserError(f"{place}: must hold .parquet files; got none")
    yield from (address_of(root / name) for name in names)


def _is_hidden(name: str) -> bool:
    return any(part[0] in "._" for part in name.split("/"))


def _open(file: str) -> pq.ParquetFile:
    place = locate(file)
    return pq.ParquetFile(filesystem_of(place).open_input_file(path_of(place)))


def _check_column(file: str, schema: pa.Schema, name: str) -> None:
    if name not in schema.names:
        raise UserError(f"{file}: column {name!r} is missing; got {clip(', '.join(schema.names))}")
    if not is_string(kind := schema.field(name).type):
        raise UserError(f"{file}: column {name!r} must hold strings; got {kind}")


def _difference(wanted: pa.Schema, got: pa.Schema) -> str:
    for name in wanted.names:
        if name not in got.names:
            return f"{name!r} is missing"
        if wanted.field(name).type != got.field(name).type:
            return f"{name!r} must be {wanted.field(name).type}; got {got.field(name).type}"
    more = [name for name in got.names if name not in wanted.names]
    return f"got {clip(', '.join(more))} too" if more else "got them in another order"


def _said(error: Exception) -> str:
    return " ".join(str(error).split())
