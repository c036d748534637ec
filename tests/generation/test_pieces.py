"""A user's Parquet files: what is found in them, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from generation.errors import UserError
from generation.pieces import Piece, find_pieces, read_piece


def write(path: Path, texts: list[str], rows: int = 2, **columns: list[object]) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({"text": pa.array(texts, pa.string()), **columns}), path, row_group_size=rows)
    return str(path)


def test_row_groups_of_files_by_name(tmp_path: Path) -> None:
    b, a = write(tmp_path / "b.parquet", ["x", "y", "z"]), write(tmp_path / "a" / "c.parquet", ["u"])
    write(tmp_path / "empty.parquet", [])
    (tmp_path / "_metadata.parquet").write_bytes(b"no data")
    (tmp_path / "readme.txt").write_text("no data")
    found = find_pieces([str(tmp_path)], ["text"])
    assert found.pieces == (Piece(a, 0, 1), Piece(b, 0, 2), Piece(b, 1, 1))
    assert found.rows == 4 and found.schema.names == ["text"] and not found.skipped
    assert [read_piece(piece)["text"].to_pylist() for piece in found.pieces] == [["u"], ["x", "y"], ["z"]]


def test_dictionaries_of_strings_are_strings(tmp_path: Path) -> None:
    table = pa.table({"text": pa.array(["x", "y"]).dictionary_encode()})
    (tmp_path / "b").mkdir()
    pq.write_table(table, tmp_path / "b" / "c.parquet")
    assert find_pieces([str(tmp_path / "b")], ["text"]).rows == 2


def test_corrupt_files_are_named_or_skipped(tmp_path: Path) -> None:
    good, bad = write(tmp_path / "a.parquet", ["x"]), tmp_path / "b.parquet"
    bad.write_bytes(b"PAR1 and nothing else")
    with pytest.raises(UserError, match=r"b\.parquet: not valid Parquet: "):
        find_pieces([str(tmp_path)], ["text"])
    found = find_pieces([str(tmp_path)], ["text"], skip_corrupt=True)
    assert [piece.file for piece in found.pieces] == [good] and list(found.skipped) == [str(bad)]


def test_a_corrupt_page_is_found_when_it_is_read(tmp_path: Path) -> None:
    file = Path(write(tmp_path / "a.parquet", [f"text number {place}" for place in range(500)], 500))
    data = bytearray(file.read_bytes())
    data[4:400] = b"\xff" * 396
    file.write_bytes(data)
    (piece,) = find_pieces([str(file)], ["text"]).pieces
    with pytest.raises(UserError, match=r"a\.parquet row group 0: cannot be read: "):
        read_piece(piece)


@pytest.mark.parametrize(
    ("columns", "more", "said"),
    [
        ({"a": ["x"]}, None, r"a\.parquet: column 'text' is missing; got 'a'"),
        ({"text": [1]}, None, r"a\.parquet: column 'text' must hold strings; got int64"),
        ({"text": ["x"], "n": [1]}, {"text": ["x"]}, r"b\.parquet: must have the columns of .*: 'n' is missing"),
        ({"text": ["x"], "n": [1]}, {"text": ["x"], "n": ["1"]}, r"b\.parquet: .*'n' must be int64; got string"),
        ({"text": ["x"]}, {"text": ["x"], "n": ["1"]}, r"b\.parquet: .*got 'n' too"),
        ({"text": pa.array([], pa.string())}, None, r"must have rows; got none"),
    ],
)  # fmt: skip
def test_refusals(tmp_path: Path, columns: dict[str, list], more: dict[str, list] | None, said: str) -> None:
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    if more:
        pq.write_table(pa.table(more), tmp_path / "b.parquet")
    with pytest.raises(UserError, match=said):
        find_pieces([str(tmp_path)], ["text"])


def test_missing_places(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="none: no such file or folder"):
        find_pieces([str(tmp_path / "none")], ["text"])
    with pytest.raises(UserError, match=r"must hold \.parquet files; got none"):
        find_pieces([str(tmp_path)], ["text"])
