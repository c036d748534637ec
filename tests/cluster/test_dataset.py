"""The dataset that a user takes: its rows, its immutability, and that other readers see the same values."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import duckdb
import fastparquet
import pandas
import polars
import pyarrow.parquet as pq
import pytest

from cluster.dataset import discard_scratch, doubted_rows, kept_rows, materialise, read_dataset, training_rows
from cluster.evaluation import rows_of
from cluster.store import Store
from generation.location import ObjectPath, path_of
from generation.parts import write_bytes
from generation.records import DATASET_SCHEMA, dataset_schema, map_column, row_id, rows_table
from tests.cluster.cases import RUN_ID, add_rows, add_verdicts, verdict

NAMES = ["neg-0", "neg-1", "pos-0", "pos-1", "pos-2"]
NESTED = ["seed_ids", "attributes", "sampling", "scores", "shares"]

MAYBE_NULL = ("scores", "shares")


@pytest.fixture
def judged(store: Store) -> Store:
    """Round 0: pos-1 is moved to neg, neg-1 is rejected, the rest accepted."""
    add_rows(store, ["pos-0", "neg-0", "pos-1"], "e0")
    add_rows(store, ["neg-1", "pos-2"], "e1")
    moved = verdict("pos-1", "relabelled", weight=0.5, scores={"judge": 0.25, "margin": -1.0})
    moved |= {"label": "neg", "shares": {"neg": 0.75, "pos": 0.25}}
    doubted = verdict("neg-1", "rejected", stage="agreement", reason="judge_unsure", shares={"neg": 0.4, "pos": 0.6})
    verdicts = [verdict("pos-0", scores={}), moved, doubted, verdict("neg-0"), verdict("pos-2")]
    add_verdicts(store, verdicts)
    return store


def expected_order() -> list[tuple[str, str]]:
    """(final label, id), sorted."""
    finals = {"pos-0": "pos", "pos-1": "neg", "neg-0": "neg", "pos-2": "pos"}
    return sorted((label, row_id(name, 0)) for name, label in finals.items())


def test_rows_have_final_labels_and_what_was_found(judged: Store) -> None:
    rows = kept_rows(judged, 0)
    assert rows.schema == DATASET_SCHEMA
    assert list(zip(rows["label"].to_pylist(), rows["id"].to_pylist(), strict=True)) == expected_order()
    scores = dict(zip(rows["id"].to_pylist(), map_column(rows, "scores"), strict=True))
    (moved,) = (row for row in rows.to_pylist() if row["id"] == row_id("pos-1", 0))
    assert (moved["label"], moved["intended_label"], moved["status"]) == ("neg", "pos", "relabelled")
    assert (moved["weight"], moved["text"]) == (0.5, "e0 pos-1 0")
    assert scores[moved["id"]] == {"judge": 0.25, "margin": -1.0}


def test_what_a_student_learns(judged: Store) -> None:
    table = training_rows(judged, [0])
    assert len(table) == 4
    by_text = {row.text: row for row in rows_of(table, soft=True)}
    moved = by_text["e0 pos-1 0"]
    assert (moved.label, moved.weight, moved.shares) == ("neg", 1.0, (("neg", 0.75), ("pos", 0.25)))
    assert by_text["e0 pos-0 0"].shares == ()
    hard = {row.text: row for row in rows_of(table)}["e0 pos-1 0"]
    assert (hard.label, hard.weight, hard.shares) == ("neg", 0.5, ())


def test_what_the_judge_doubts_is_learnt_by_shares_alone(judged: Store) -> None:
    (doubted,) = rows_of(doubted_rows(judged, [0]), soft=True)
    assert (doubted.text, doubted.label, doubted.weight) == ("e1 neg-1 0", "pos", 1.0)
    assert doubted.shares == (("neg", 0.4), ("pos", 0.6))


def test_what_a_person_has_judged_is_not_doubted(judged: Store) -> None:
    told = verdict("neg-1", "rejected", revision=2, stage="audit", reason="discarded", auditor="ann")
    add_verdicts(judged, [told], "person")
    assert doubted_rows(judged, [0]).num_rows == 0


def test_a_verdict_without_its_row_is_a_fault(store: Store) -> None:
    add_verdicts(store, [verdict("pos-0")])
    with pytest.raises(RuntimeError, match="round 0: verdicts keep rows that were not generated"):
        kept_rows(store, 0)


def test_a_version_holds_all_rounds_so_far(judged: Store) -> None:
    materialise(judged, 0, RUN_ID)
    add_rows(judged, ["pos-9"], round_=1)
    add_verdicts(judged, [verdict("pos-9")], round_=1)
    folder = materialise(judged, 1, RUN_ID)
    assert folder == judged.root / "dataset" / "v001"
    assert read_dataset(judged, "v000").num_rows == 4
    assert read_dataset(judged)["text"].to_pylist()[-1] == "e0 pos-9 0"
    assert read_dataset(judged).num_rows == 5
    assert (judged.root / "dataset" / "latest").read_text() == "v001\n"


def files(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()}


def test_a_version_is_never_written_again(judged: Store) -> None:
    folder = materialise(judged, 0, RUN_ID)
    before = files(folder)
    add_verdicts(judged, [verdict("pos-0", "rejected", revision=2)], "later")
    assert materialise(judged, 0, RUN_ID) == folder
    assert files(folder) == before
    assert sorted(path.name for path in folder.parent.iterdir()) == ["latest", "v000"]


def test_equal_runs_give_equal_bytes(judged: Store, tmp_path: Path) -> None:
    first = {name: content for name, (content, _) in files(materialise(judged, 0, RUN_ID)).items()}
    (judged.root / "dataset").rename(tmp_path / "away")
    assert {name: content for name, (content, _) in files(materialise(judged, 0, RUN_ID)).items()} == first


def test_the_manifest(judged: Store) -> None:
    folder = materialise(judged, 0, RUN_ID, part_bytes=1)
    manifest = json.loads((folder / "manifest.json").read_text())
    parts = [folder / f"part-{number:05d}.parquet" for number in range(4)]
    assert manifest == {
        "run_id": "run",
        "rows": 4,
        "labels": {"neg": 2, "pos": 2},
        "parts": [
            {"name": part.name, "bytes": part.stat().st_size, "sha256": hashlib.sha256(part.read_bytes()).hexdigest()}
            for part in parts
        ],
    }
    assert {path.name for path in folder.iterdir()} == {
        *(part.name for part in parts),
        *("_metadata", "_common_metadata", "manifest.json"),
    }


@pytest.fixture(params=[1, 10**9], ids=["a part a row", "one part"])
def dataset(judged: Store, request: pytest.FixtureRequest) -> tuple[Path, dict[str, list[Any]]]:
    """The folder, and its columns as Arrow reads them (maps as dicts)."""
    folder = materialise(judged, 0, RUN_ID, part_bytes=request.param)
    table = read_dataset(judged)
    columns = {name: table[name].to_pylist() for name in ("id", "text", "label", "round", "weight", "seed_ids")}
    return folder, columns | {name: map_column(table, name) for name in NESTED[1:]}


def test_parts_agree_in_schema(dataset: tuple[Path, dict[str, list[Any]]]) -> None:
    folder, columns = dataset
    schemas = [pq.read_schema(part) for part in sorted(folder.glob("*.parquet"))]
    assert all(schema.equals(schemas[0], check_metadata=True) for schema in schemas)
    assert columns["seed_ids"] == [["s1", "s2"]] * 4
    assert {"min_p": 0.05, "seed": 7.0} in columns["sampling"]


def test_duckdb(dataset: tuple[Path, dict[str, list[Any]]]) -> None:
    folder, columns = dataset
    query = f"select {', '.join(columns)} from '{folder}/*.parquet' order by label, id"
    found = zip(*duckdb.execute(query).fetchall(), strict=True)
    assert {
        name: [value or {} if name in MAYBE_NULL else value for value in values]
        for name, values in zip(columns, found, strict=True)
    } == columns


def test_polars(dataset: tuple[Path, dict[str, list[Any]]]) -> None:
    folder, columns = dataset
    frame = polars.read_parquet(folder / "*.parquet").sort("label", "id")
    plain = [name for name in columns if name not in NESTED[1:]]
    assert {name: frame[name].to_list() for name in plain} == {name: columns[name] for name in plain}


def test_pandas_with_fastparquet(dataset: tuple[Path, dict[str, list[Any]]]) -> None:
    folder, columns = dataset
    frame = pandas.read_parquet(folder, engine="fastparquet").sort_values(["label", "id"])
    found = {name: frame[name].to_list() for name in columns}
    assert {**found, **{name: [value or {} for value in found[name]] for name in MAYBE_NULL}} == columns


def test_the_footers_of_all_parts_lie_in_one_file(dataset: tuple[Path, dict[str, list[Any]]]) -> None:
    folder, columns = dataset
    parts = sorted(path.name for path in folder.glob("*.parquet"))
    metadata = pq.read_metadata(folder / "_metadata")
    assert metadata.num_rows == 4
    assert [metadata.row_group(i).column(0).file_path for i in range(metadata.num_row_groups)] == parts
    assert pq.read_schema(folder / "_common_metadata").names == dataset_schema().names
    frame = fastparquet.ParquetFile(str(folder / "_metadata")).to_pandas()
    assert frame.sort_values(["label", "id"])["text"].to_list() == columns["text"]


def test_several_labels_follow_the_final_one(store: Store) -> None:
    names = {"a+b-0": "a+c", "b-0": "b"}
    rows = [
        {"id": row_id(name, 0), "request_id": name, "text": name, "label": "x", "labels": ["x"], "seed_ids": ["s"]}
        for name in names
    ]
    store.commit(0, "generated", "e0", rows_table(rows), RUN_ID)
    add_verdicts(store, [verdict(name) | {"label": label} for name, label in names.items()])
    folder = materialise(store, 0, RUN_ID, columns=("labels",))
    assert read_dataset(store).schema == dataset_schema(("labels",))
    assert read_dataset(store)["labels"].to_pylist() == [["a", "c"], ["b"]]
    assert duckdb.execute(f"select labels from '{folder}/*.parquet'").fetchall() == [(["a", "c"],), (["b"],)]
    assert fastparquet.ParquetFile(str(folder)).to_pandas()["labels"].to_list() == [["a", "c"], ["b"]]


def test_no_rows_at_all(store: Store) -> None:
    folder = materialise(store, 0, RUN_ID)
    assert read_dataset(store).schema == dataset_schema()
    assert read_dataset(store).num_rows == 0
    assert json.loads((folder / "manifest.json").read_text())["labels"] == {}
    assert duckdb.execute(f"select count(*) from '{folder}/*.parquet'").fetchone() == (0,)


def test_what_a_killed_driver_left_is_removed(judged: Store) -> None:
    folder = materialise(judged, 0, RUN_ID)
    before = sorted(path for path in judged.root.rglob("*"))
    (folder.parent / ".v001.1234abcd.tmp").mkdir()
    (folder.parent / ".v001.1234abcd.tmp" / "part-00000.parquet").touch()
    (judged.folder(0) / ".student.1234abcd.tmp").mkdir()
    (judged.folder(0, "generated") / "part-e2.parquet.1234abcd.tmp").touch()
    (judged.root / "run.json.1234abcd.tmp").touch()
    discard_scratch(judged)
    assert sorted(path for path in judged.root.rglob("*")) == before


def test_on_an_object_store(judged: Store, prefix: ObjectPath) -> None:
    remote = Store(prefix)
    for kind in ("generated", "verdicts"):
        for part in judged.parts(0, kind):
            write_bytes(remote.filesystem, path_of(remote.folder(0, kind) / Path(part).name), Path(part).read_bytes())
    folder = materialise(remote, 0, RUN_ID)
    local = materialise(judged, 0, RUN_ID)
    assert str(folder) == f"{prefix}/dataset/v000"
    assert isinstance(local, Path)
    assert all((folder / path.name).read_bytes() == path.read_bytes() for path in local.iterdir())
    assert read_dataset(remote).equals(read_dataset(judged))
    assert (remote.root / "dataset" / "latest").read_text() == "v000\n"
    write_bytes(remote.filesystem, path_of(folder / "manifest.json"), b"mark")
    assert materialise(remote, 0, RUN_ID) == folder
    assert (folder / "manifest.json").read_text() == "mark"
