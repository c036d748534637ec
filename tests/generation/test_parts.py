"""Parts are whole or absent, and every reader sees the same values in them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import fastparquet
import pandas
import polars
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import fs

from generation.parts import dictionary_columns, list_parts, read_parts, write_bytes, write_part
from generation.records import ROW_SCHEMA, SCHEMA_VERSION, rows_table, verdicts_table

LOCAL = fs.LocalFileSystem()
ROWS: list[dict[str, Any]] = [
    {
        "id": "a",
        "round": 0,
        "label": "pos",
        "text": "naïve 🙂",
        "seed_ids": ["s1", "s2"],
        "attributes": {"length": "short", "topic": "x"},
        "sampling": {"min_p": 0.05, "seed": 2147483647.0},
        "mean_logprob": -0.5,
    },
    {"id": "b", "round": 1, "label": "pos", "text": "", "seed_ids": [], "attributes": {}, "sampling": {}},
    {"id": "c", "round": 2, "label": "neg", "text": "line\nbreak"},
]
NESTED = ["seed_ids", "attributes", "sampling"]


def expected(column: str) -> list[Any]:
    return [row.get(column) for row in ROWS]


@pytest.fixture
def part(tmp_path: Path) -> str:
    path = str(tmp_path / "part-0.parquet")
    write_part(LOCAL, path, rows_table(ROWS), "run-1")
    return path


def test_written_and_read_back(part: str) -> None:
    assert read_parts(LOCAL, [part], ROW_SCHEMA).equals(rows_table(ROWS))
    two = read_parts(LOCAL, [part, part], ROW_SCHEMA, ["text", "id"])
    assert two.to_pydict() == {"text": expected("text") * 2, "id": ["a", "b", "c"] * 2}
    assert read_parts(LOCAL, [], ROW_SCHEMA).equals(rows_table([]))


def test_returns_the_bytes_and_leaves_only_the_part(tmp_path: Path) -> None:
    path = tmp_path / "part-0.parquet"
    assert write_part(LOCAL, str(path), rows_table(ROWS), "run-1") == path.stat().st_size
    assert list(tmp_path.iterdir()) == [path]


def test_footer_names_run_and_schema(part: str) -> None:
    metadata = pq.read_metadata(part).metadata
    assert metadata[b"labelmill.run"] == b"run-1"
    assert metadata[b"labelmill.schema"] == str(SCHEMA_VERSION).encode()


def test_encoding(part: str) -> None:
    group = pq.read_metadata(part).row_group(0)
    columns = {group.column(i).path_in_schema: group.column(i) for i in range(group.num_columns)}
    assert {column.compression for column in columns.values()} == {"ZSTD"}
    encoded = {path for path, column in columns.items() if "RLE_DICTIONARY" in column.encodings}
    assert encoded == set(dictionary_columns(ROW_SCHEMA))
    assert {"label", "seed_ids.list.element", "sampling.key_value.value"} <= encoded
    assert not {"id", "text", "mean_logprob"} & encoded


def test_an_existing_part_is_never_replaced(part: str) -> None:
    before = Path(part).read_bytes()
    with pytest.raises(FileExistsError):
        write_part(LOCAL, part, rows_table([]), "run-2")
    assert Path(part).read_bytes() == before
    assert list_parts(LOCAL, str(Path(part).parent)) == [part]


def test_write_bytes_replaces_whole(tmp_path: Path) -> None:
    path = tmp_path / "state"
    assert write_bytes(LOCAL, str(path), b"first, longer") == 13
    assert write_bytes(LOCAL, str(path), pa.py_buffer(b"second")) == 6
    assert path.read_bytes() == b"second"
    assert list(tmp_path.iterdir()) == [path]


_FULL_DISK = """
import resource, sys
from pyarrow import fs
from generation.parts import write_bytes, write_part
from generation.records import rows_table
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
folder, local = sys.argv[1], fs.LocalFileSystem()
rows = rows_table([{"id": str(i), "text": str(i ** 9)} for i in range(5000)])
for write in (lambda: write_part(local, folder + "/part-0.parquet", rows, "r"),
              lambda: write_bytes(local, folder + "/state", bytes(9999))):
    try:
        write()
    except OSError as error:
        print(error.errno)
"""


def test_a_failed_write_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "state").write_bytes(b"old")
    command = [sys.executable, "-c", _FULL_DISK, str(tmp_path)]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert run.stdout == "27\n27\n"  # EFBIG
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"state": b"old"}


def test_list_parts(tmp_path: Path) -> None:
    assert list_parts(LOCAL, str(tmp_path / "none")) == []
    for name in ("part-b.parquet", "part-a.parquet", "part-c.parquet.1234.tmp", "_metadata"):
        (tmp_path / name).touch()
    assert list_parts(LOCAL, str(tmp_path)) == [str(tmp_path / "part-a.parquet"), str(tmp_path / "part-b.parquet")]


def test_duckdb(part: str) -> None:
    names = ["id", "text", "round", "mean_logprob", *NESTED]
    found = duckdb.execute(f"select {', '.join(names)} from '{part}' order by round").fetchall()
    assert found == list(zip(*(expected(name) for name in names), strict=True))


def test_polars(part: str) -> None:
    frame = polars.read_parquet(part)
    assert frame["text"].to_list() == expected("text")
    assert frame["mean_logprob"].to_list() == expected("mean_logprob")
    assert {name: frame[name].to_list() for name in NESTED} == {name: expected(name) for name in NESTED}


def test_pandas_with_fastparquet(part: str) -> None:
    frame = pandas.read_parquet(part, engine="fastparquet")
    assert frame["text"].to_list() == expected("text")
    assert frame["round"].to_list() == [0, 1, 2]
    assert frame["mean_logprob"].fillna(1).to_list() == [-0.5, 1, 1]
    assert {name: frame[name].to_list() for name in NESTED} == {name: expected(name) for name in NESTED}


def test_fastparquet_reads_lists_and_maps_beyond_a_page_of_distinct_values(tmp_path: Path) -> None:
    rows = [
        {
            "id": str(i),
            "seed_ids": [f"seed-{i}-{j}-{'x' * 100}" for j in range(i % 3)],
            "attributes": {"serial": f"{i}-{'y' * 100}"} if i % 5 else None,
            "sampling": {"seed": float(i), "temperature": i / 7},
        }
        for i in range(20_000)
    ]
    write_part(LOCAL, str(tmp_path / "big.parquet"), rows_table(rows), "r")
    frame = fastparquet.ParquetFile(str(tmp_path / "big.parquet")).to_pandas(columns=["id", *NESTED])
    for name in ("id", *NESTED):
        assert frame[name].to_list() == [row[name] for row in rows], name


def test_fastparquet_reads_verdict_times_and_weights(tmp_path: Path) -> None:
    at = pandas.Timestamp("2026-01-02 03:04:05.678", tz="UTC")
    verdict = {"id": "a", "revision": 1, "status": "held", "scores": {"judge": 0.25}, "weight": 0.5, "at": at}
    write_part(LOCAL, str(tmp_path / "v.parquet"), verdicts_table([verdict]), "r")
    row = fastparquet.ParquetFile(str(tmp_path / "v.parquet")).to_pandas().iloc[0]
    # fastparquet gives the instant in UTC, without saying so
    expected_at = at.tz_localize(None)
    assert (row["revision"], row["weight"], row["scores"], row["at"]) == (1, 0.5, {"judge": 0.25}, expected_at)
