"""Row groups of a user's files, put together."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from generation.chunks import Chunk, cut
from generation.errors import UserError
from generation.pieces import Piece, find_pieces

A = [Piece("/in/a", group, 2, 10) for group in range(3)]
B = [Piece("/in/b", 0, 9, 99)]


def test_row_groups_of_one_file_are_put_together() -> None:
    assert cut([*A, *B], rows=4) == [Chunk((A[0], A[1]), 0), Chunk((A[2],), 4), Chunk((B[0],), 0)]
    assert [chunk.rows for chunk in cut([*A, *B], rows=4)] == [4, 2, 9]
    assert cut([*A, *B]) == [Chunk(tuple(A)), Chunk(tuple(B))]
    assert cut([]) == []


def test_long_texts_make_chunks_of_fewer_rows() -> None:
    assert cut([*A, *B], size=20) == [Chunk((A[0], A[1]), 0), Chunk((A[2],), 4), Chunk((B[0],), 0)]
    assert [chunk.first for chunk in cut(A, size=1)] == [0, 2, 4]


def test_rows_are_read_in_order(tmp_path: Path) -> None:
    table = pa.table({"text": ["x", "y", "z"], "n": [1, 2, 3]})
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=2)
    found = find_pieces([str(tmp_path)], ["text"])
    assert all(piece.bytes > 0 for piece in found.pieces)
    (chunk,) = cut(found.pieces)
    assert chunk.read().equals(table) and chunk.read(["n"]).equals(table.select(["n"]))


def test_strings_must_be_utf8(tmp_path: Path) -> None:
    bad = pa.Array.from_buffers(pa.string(), 2, pa.array([b"a", b"\xff"]).buffers())
    pq.write_table(pa.table({"body": bad}), tmp_path / "a.parquet")
    (chunk,) = cut(find_pieces([str(tmp_path)], ["body"]).pieces)
    assert chunk.read().num_rows == 2
    with pytest.raises(UserError, match=r"a\.parquet: column 'body' must hold UTF-8 strings; row 1 is b'.xff'"):
        chunk.read(strings=["body"])
