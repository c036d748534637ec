"""Row groups of a user's files, put together as what one task reads."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from generation.errors import UserError, clip
from generation.pieces import Piece, read_piece

CHUNK_ROWS = 1 << 16
CHUNK_BYTES = 1 << 28


@dataclass(frozen=True)
class Chunk:
    """Row groups of one file, one after the other; `first` is the row of the file that they begin with."""

    pieces: tuple[Piece, ...]
    first: int = 0

    @property
    def file(self) -> str:
        return self.pieces[0].file

    @property
    def rows(self) -> int:
        return sum(piece.rows for piece in self.pieces)

    def read(self, columns: Sequence[str] | None = None, strings: Sequence[str] = ()) -> pa.Table:
        """Some columns (None: all) of its rows; those in `strings` are checked to be UTF-8.

        Raises UserError where the file is corrupt.
        """
        table = pa.concat_tables([read_piece(piece, columns) for piece in self.pieces])
        for name in strings:
            _check_utf8(self.file, self.first, name, table[name])
        return table


def cut(pieces: Sequence[Piece], rows: int = CHUNK_ROWS, size: int = CHUNK_BYTES) -> list[Chunk]:
    """Pieces in their order, as many of a file together as have `rows` rows and `size` bytes or fewer, or one."""
    chunks: list[Chunk] = []
    for _, group in itertools.groupby(pieces, lambda piece: piece.file):
        held, first = list[Piece](), 0
        for piece in group:
            more = [*held, piece]
            if held and (sum(each.rows for each in more) > rows or sum(each.bytes for each in more) > size):
                chunks.append(Chunk(tuple(held), first))
                first += chunks[-1].rows
                more = [piece]
            held = more
        chunks.append(Chunk(tuple(held), first))
    return chunks


def _check_utf8(file: str, first: int, name: str, column: pa.ChunkedArray) -> None:
    """Raises UserError for the first row that holds other bytes: Arrow by itself looks only once they are used."""
    try:
        column.validate(full=True)
    except pa.ArrowInvalid:
        for row, value in enumerate(column.cast(pa.large_string()).cast(pa.large_binary()).to_pylist(), first):
            try:
                (value or b"").decode()
            except UnicodeDecodeError:
                got = clip(value)
                raise UserError(f"{file}: column {name!r} must hold UTF-8 strings; row {row} is {got}") from None
        raise
