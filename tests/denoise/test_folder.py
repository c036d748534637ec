from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from denoise.folder import CorruptPartError, open_folder, read_slice
from generation.errors import UserError

ROWS = pa.table({"text": ["a", "b", "c", "d", "e"], "label": [1, 2, 1, 2, 1]})


def write(path: Path, rows: pa.Table = ROWS, **options: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(rows, path, **options)
    return path


def test_parts_come_by_place_and_in_slices_of_whole_row_groups(tmp_path: Path) -> None:
    write(tmp_path / "b.parquet", row_group_size=2)
    write(tmp_path / "a" / "x.parquet", ROWS.slice(0, 1))
    write(tmp_path / "_old" / "x.parquet")
    write(tmp_path / ".hidden.parquet")
    (tmp_path / "notes.txt").write_text("no part")
    folder = open_folder([str(tmp_path), str(tmp_path / "b.parquet")], {"text": "text", "label": "label"}, slice_rows=4)
    shown = [(part.place.name, part.groups, part.first, part.rows) for part in folder.slices]
    assert shown == [("x.parquet", (0,), 0, 1), ("b.parquet", (0, 1), 0, 4), ("b.parquet", (2,), 4, 1)]
    assert (folder.rows, folder.schema.names, folder.corrupt) == (6, ["text", "label"], ())
    assert read_slice(folder.slices[1]).equals(ROWS.slice(0, 4))
    assert read_slice(folder.slices[2], ["label"]).to_pydict() == {"label": [1]}


@pytest.mark.parametrize("kind", [pa.large_string(), pa.dictionary(pa.int32(), pa.string()), pa.string_view()])
def test_any_type_of_strings_is_text(tmp_path: Path, kind: pa.DataType) -> None:
    rows = pa.table({"text": pa.array(["a"]).cast(kind)})
    assert open_folder([str(write(tmp_path / "a.parquet", rows))], {"text": "text"}).rows == 1


@pytest.mark.parametrize(
    ("wanted", "problem"),
    [
        ({"body": "text"}, "a.parquet: has no column 'body'; got 'text, label'"),
        ({"label": "text"}, "a.parquet: column 'label' must hold text; got int64"),
        ({"text": "number"}, "a.parquet: column 'text' must hold number; got string"),
    ],
)
def test_columns_must_be_there_and_of_their_type(tmp_path: Path, wanted: dict[str, str], problem: str) -> None:
    write(tmp_path / "a.parquet")
    with pytest.raises(UserError, match=problem):
        open_folder([str(tmp_path)], wanted)


@pytest.mark.parametrize(
    ("other", "problem"),
    [
        (ROWS.append_column("more", ROWS["text"]), "column 'more' is not there"),
        (ROWS.drop_columns("label"), "column 'label' is missing"),
        (ROWS.set_column(1, "label", ROWS["text"]), "column 'label' must be int64; got string"),
    ],
)
def test_mixed_columns_are_refused(tmp_path: Path, other: pa.Table, problem: str) -> None:
    write(tmp_path / "a.parquet")
    write(tmp_path / "b.parquet", other)
    with pytest.raises(UserError, match=f"b.parquet: must have the columns of .*a.parquet: {problem}"):
        open_folder([str(tmp_path)], {"text": "text"})


def test_a_corrupt_part_is_named_or_left_out(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"PAR1 and no more")
    write(tmp_path / "b.parquet")
    with pytest.raises(UserError, match=r"a\.parquet: not readable as Parquet: .*; --skip-corrupt leaves it out"):
        open_folder([str(tmp_path)], {"text": "text"})
    folder = open_folder([str(tmp_path)], {"text": "text"}, skip_corrupt=True)
    assert (folder.rows, [Path(name).name for name in folder.corrupt]) == (5, ["a.parquet"])


def test_a_part_whose_pages_are_broken_is_seen_when_it_is_read(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", pa.table({"text": [f"text {number}" for number in range(999)]}))
    data = bytearray(path.read_bytes())
    data[60:400] = bytes(340)
    path.write_bytes(data)
    folder = open_folder([str(path)], {"text": "text"})
    with pytest.raises(CorruptPartError, match=r"a\.parquet: not readable as Parquet"):
        read_slice(folder.slices[0])


def test_strings_must_be_utf8(tmp_path: Path) -> None:
    bad = pa.Array.from_buffers(pa.string(), 1, pa.array([b"\xff"]).buffers())
    folder = open_folder([str(write(tmp_path / "a.parquet", pa.table({"text": bad})))], {"text": "text"})
    with pytest.raises(CorruptPartError, match="UTF8"):
        read_slice(folder.slices[0])


def test_nothing_to_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nowhere: no such file or folder"):
        open_folder([str(tmp_path / "nowhere")], {})
    with pytest.raises(UserError, match=r"holds no \.parquet files"):
        open_folder([str(tmp_path)], {})
    write(tmp_path / "a.parquet", ROWS.slice(0, 0))
    with pytest.raises(UserError, match="no rows"):
        open_folder([str(tmp_path)], {"text": "text"})
