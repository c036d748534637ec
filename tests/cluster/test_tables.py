"""Tables in the form that a file's name asks for, whole or not at all."""

from __future__ import annotations

import io
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cluster.tables import check_suffix, print_jsonl, write_table
from generation.errors import UserError

TABLE = pa.table({"text": ['ä "q"\n', "b"], "label": ["pos", None], "confidence": [0.5, 1.0]})
JSONL = '{"text": "ä \\"q\\"\\n", "label": "pos", "confidence": 0.5}\n{"text": "b", "label": null, "confidence": 1.0}\n'


def test_jsonl(tmp_path: Path) -> None:
    write_table(TABLE, tmp_path / "out.jsonl")
    assert (tmp_path / "out.jsonl").read_text(encoding="utf-8") == JSONL
    stream = io.StringIO()
    print_jsonl(TABLE, stream)
    assert stream.getvalue() == JSONL


def test_printed(capsys: pytest.CaptureFixture[str]) -> None:
    print_jsonl(TABLE)
    assert capsys.readouterr().out == JSONL


def test_csv(tmp_path: Path) -> None:
    write_table(TABLE, tmp_path / "out.csv")
    expected = '"text","label","confidence"\n"ä ""q""\n","pos",0.5\n"b",,1\n'
    assert (tmp_path / "out.csv").read_text(encoding="utf-8") == expected


def test_parquet(tmp_path: Path) -> None:
    write_table(TABLE, tmp_path / "out.parquet")
    assert pq.read_table(tmp_path / "out.parquet").equals(TABLE)


def test_an_old_file_is_replaced_and_nothing_else_left(tmp_path: Path) -> None:
    (tmp_path / "out.jsonl").write_text("old")
    write_table(TABLE, tmp_path / "out.jsonl")
    assert [path.name for path in tmp_path.iterdir()] == ["out.jsonl"]
    assert (tmp_path / "out.jsonl").read_text(encoding="utf-8") == JSONL


@pytest.mark.parametrize("name", ["out", "out.json", "out.xlsx", ".jsonl", "out.parquet.gz"])
def test_other_names(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError) as caught:
        write_table(TABLE, tmp_path / name)
    assert str(caught.value) == f"{tmp_path / name}: must end in one of .jsonl, .csv, .parquet"
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_does_not_exist(tmp_path: Path) -> None:
    target = tmp_path / "none" / "out.csv"
    with pytest.raises(UserError) as caught:
        check_suffix(target)
    assert str(caught.value) == f"{target}: cannot be written: {tmp_path}/none is no folder"


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".parquet"])
def test_a_target_that_cannot_be_replaced(tmp_path: Path, suffix: str) -> None:
    target = tmp_path / f"out{suffix}"
    target.mkdir()
    with pytest.raises(UserError) as caught:
        write_table(TABLE, target)
    assert str(caught.value) == f"{target}: cannot be written: Is a directory"
    assert list(tmp_path.iterdir()) == [target]
