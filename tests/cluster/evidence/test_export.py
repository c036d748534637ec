"""Datasets to take away: read back as users do, by plain pyarrow, pandas, csv and yaml."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml

from cluster.audit.lots import open_lot
from cluster.audit.release import release
from cluster.dataset import materialise
from cluster.evidence.exporting import Exported, Wanted, export_dataset
from cluster.evidence.shares import read_shares
from cluster.evidence.versions import version_to_take
from cluster.journal import Journal
from cluster.store import Store
from generation.errors import UserError
from generation.records import rows_table
from generation.task import Example
from tests.cluster.audit.cases import judge, make_run
from tests.cluster.cases import LABELS, RUN_ID, add_verdicts, begin_round, finish_round
from tests.cluster.test_cli_errors import labelmill

SIDES = {"train": 0.8, "validation": 0.1, "test": 0.1}


def run_of(store: Store, rows: list[dict[str, Any]], kind: str = "label", **config: Any) -> Store:
    """A run of one round with these rows kept, and its dataset."""
    run = {"run_id": RUN_ID, "name": "mood", "description": "Remarks.", "labels": LABELS, "kind": kind}
    store.write_json("run.json", run | {"config": config})
    begin_round(store, {"pos": 1})
    told = {"round": 0, "wave": 0, "source": "generated", "method": "prompted", "seed_ids": [], "label": "pos"}
    made = [told | {"request_id": row["id"], "intended_label": row.get("label", "pos")} | row for row in rows]
    store.commit(0, "generated", "e0", rows_table(made), RUN_ID)
    accepted = {"revision": 1, "status": "accepted", "weight": 1.0, "scores": {"judge_confidence": 0.75}}
    add_verdicts(store, [accepted | {"id": row["id"], "label": row["label"]} for row in made])
    finish_round(store)
    materialise(store, 0, RUN_ID, columns=[name for name in ("labels", "tokens", "tags") if name in rows[0]])
    return store


def export(store: Store, name: str = "out", format: str = "hf", **more: Any) -> tuple[Path, Exported]:
    out = Path(store.root).parent / name
    return out, export_dataset(store, Wanted(str(out), format, more.pop("shares", SIDES), **more))


def head(out: Path) -> dict[str, Any]:
    return yaml.safe_load((out / "README.md").read_text().split("---\n")[1])


def test_the_hub_layout_read_by_its_card(store: Store) -> None:
    make_run(store, rows=100)
    out, done = export(store)
    told = head(out)
    assert done.rows == {"train": 80, "validation": 10, "test": 10} and done.version == "v000"
    (config,) = told["configs"]
    sizes = {each["name"]: each["num_examples"] for each in told["dataset_info"]["splits"]}
    assert sizes == done.rows
    for each in config["data_files"]:
        (path,) = out.glob(each["path"])
        table = pq.read_table(path)
        assert table.num_rows == sizes[each["split"]]
        assert table.column_names == [feature["name"] for feature in told["dataset_info"]["features"]]
    features = {each["name"]: each for each in told["dataset_info"]["features"]}
    assert features["label"]["dtype"] == {"class_label": {"names": {"0": "pos", "1": "neg"}}}
    assert features["seed_ids"] == {"name": "seed_ids", "sequence": "string"}
    frame = pd.concat(pd.read_parquet(path) for path in sorted((out / "data").iterdir()))
    assert Counter(zip(frame["label"], frame["label_text"], strict=True)) == {(0, "pos"): 50, (1, "neg"): 50}
    assert told["dataset_info"]["download_size"] == sum(path.stat().st_size for path in (out / "data").iterdir())


def test_near_duplicates_and_rows_of_one_parent_lie_on_one_side(store: Store) -> None:
    alike = [{"id": f"a{number}", "text": f"where is my parcel number {number}?"} for number in range(20)]
    made = [
        {"id": f"p{number}", "text": word * 9, "method": "paraphrase", "seed_ids": [f"s{number % 3}"]}
        for number, word in enumerate("bcdfghjklmnp")
    ]
    single = [{"id": f"x{number}", "text": f"{chr(65 + number)}{number * 7919}" * 3} for number in range(20)]
    run_of(store, [*alike, *made, *single])
    out, done = export(store, shares={"train": 0.5, "test": 0.5}, near=0.5)
    side = {row["id"]: path.name[:4] for path in (out / "data").iterdir() for row in pq.read_table(path).to_pylist()}
    assert len({side[row["id"]] for row in alike}) == 1
    for parent in range(3):
        assert len({side[row["id"]] for row in made if row["seed_ids"] == [f"s{parent}"]}) == 1
    assert (done.families, done.largest, sum(done.rows.values())) == (1 + 3 + 20, 20, 52)


@pytest.mark.parametrize(
    ("method", "parent"), [("eda", Example("aaaaaaaaa", "pos").id), ("edit", "old"), ("assisted", "old")]
)
def test_a_rewrite_goes_with_the_row_that_it_was_made_of(store: Store, method: str, parent: str) -> None:
    told = [{"id": "old", "text": "aaaaaaaaa"}, *({"id": f"x{n}", "text": str(n) * 9} for n in range(6))]
    new = {"id": "new", "text": "zzzzzzzzz", "method": method, "seed_ids": [parent]}
    run_of(store, [*told, new])
    out, done = export(store, shares={"train": 0.5, "test": 0.5})
    side = {row["id"]: path.name for path in (out / "data").iterdir() for row in pq.read_table(path).to_pylist()}
    assert side["old"] == side["new"] and done.largest == 2


def test_the_card_tells_who_wrote_the_rows(store: Store) -> None:
    sources = ("generated", "generated", "pool", "human")
    run_of(store, [{"id": f"r{n}", "text": str(n) * 9, "source": source} for n, source in enumerate(sources)])
    out, _ = export(store, "a", "jsonl", shares={"train": 1.0})
    assert head(out)["language_creators"] == ["found", "machine-generated", "other"]
    card = (out / "README.md").read_text()
    assert "A language model wrote 2 of the 4 rows: " in card and "1 rows are texts of a pool: " in card
    assert "| unlabelled texts | not stated |" in card


def test_jsonl_and_csv_hold_the_same_and_no_formula(store: Store) -> None:
    run_of(store, [{"id": "r0", "text": "=1+1", "label": "neg"}, {"id": "r1", "text": 'ärger, "so"\nbad'}])
    out, _ = export(store, "a", "jsonl", shares={"train": 1.0})
    told = {row["id"]: row for row in map(json.loads, (out / "train.jsonl").read_text().splitlines())}
    assert (told["r0"]["text"], told["r0"]["label"], told["r0"]["confidence"]) == ("=1+1", "neg", 0.75)
    out, _ = export(store, "b", "csv", shares={"train": 1.0})
    with (out / "train.csv").open(newline="") as file:
        cells = {row["id"]: row for row in csv.DictReader(file)}
    assert (cells["r0"]["text"], cells["r1"]["text"]) == ("'=1+1", told["r1"]["text"])
    assert head(out)["configs"][0]["data_files"] == [{"split": "train", "path": "train.csv"}]
    assert "dataset_info" not in head(out)


@pytest.mark.parametrize(
    ("kind", "row", "column", "feature"),
    [
        ("multi_label", {"label": "neg+pos", "labels": ["neg", "pos"]}, "labels", [1, 0]),
        ("tags", {"text": "so bad", "tokens": ["so", "bad"], "tags": ["O", "B-neg"]}, "tags", [0, 3]),
    ],
)
def test_other_kinds(store: Store, kind: str, row: dict[str, Any], column: str, feature: list[int]) -> None:
    run_of(store, [{"id": "r0", "text": "so bad", **row}], kind)
    out, _ = export(store, shares={"train": 1.0})
    table = pq.read_table(next((out / "data").iterdir()))
    assert table[column].to_pylist() == [feature]
    (told,) = [each for each in head(out)["dataset_info"]["features"] if each["name"] == column]
    names = told["sequence"]["class_label"]["names"]
    assert [names[str(each)] for each in feature] == row[column]
    assert "label" not in table.column_names
    lines, _ = export(store, "lines", "csv", shares={"train": 1.0})
    shown = {"tags": "so [neg: bad]", "labels": "neg+pos"}[column]
    assert shown in (lines / "train.csv").read_text()


def test_the_card_tells_what_was_dropped_who_checked_and_under_what_terms(store: Store) -> None:
    make_run(store)
    run = store.run() | {"config": {"model": "big", "licences": {"generator": "llama2", "seeds": "CC-BY-4.0"}}}
    store.write_json("run.json", run)
    dropped = [each | {"status": "rejected", "reason": "seed_copy"} for each in store.verdicts(0).to_pylist()[:9]]
    add_verdicts(store, [each | {"revision": 2, "scores": {}} for each in dropped], "w001")
    with pytest.raises(UserError, match="llama2"):
        export(store)
    assert not (Path(store.root).parent / "out").exists()
    out, _ = export(store, accept_licence="ann: asked their lawyers")
    card = (out / "README.md").read_text()
    assert "| left out: seed copy | 9 |" in card
    assert "| seeds | CC-BY-4.0 (name the authors) |" in card
    assert "ann passed this on all the same (generator: llama2): asked their lawyers" in card
    assert "No lot of it was released. People have looked at 0 of its 600 rows." in card
    assert Journal(store.root, print).events("licence")[0]["who"] == "ann"
    export(store, "again")


def test_an_override_that_cannot_be_recorded_lets_nothing_out(store: Store, tmp_path: Path) -> None:
    run_of(store, [{"id": "r0", "text": "so good"}], model="big", licences={"generator": "llama2"})
    (Path(store.root) / "log.jsonl").symlink_to(tmp_path / "nowhere" / "log.jsonl")
    with pytest.raises(FileNotFoundError):
        export(store, accept_licence="ann: asked their lawyers")
    assert not (tmp_path / "out").exists()


def test_where_an_assurance_is_stated_only_what_was_released(store: Store) -> None:
    make_run(store)
    assert version_to_take(store) == "v000"
    lot = open_lot(store)
    with pytest.raises(UserError, match="states an assurance, and no version is released"):
        version_to_take(store)
    with pytest.raises(UserError, match="v000 is not released"):
        version_to_take(store, "v000")
    assert version_to_take(store, unreleased=True) == version_to_take(store, "v000", unreleased=True) == "v000"
    judge(store, lot)
    release(store)
    assert version_to_take(store) == "v000-lot000"
    out, _ = export(store, shares={"train": 1.0})
    checked = "Lot 0 passed: people checked"
    assert checked in (out / "README.md").read_text()
    with pytest.raises(UserError, match="--version: must be one of v000, v000-lot000; got 'v1'"):
        version_to_take(store, "v1")


def test_an_assurance_of_the_task_counts_before_there_is_a_lot(store: Store) -> None:
    make_run(store, rows=6)
    store.write_json("run.json", store.run() | {"config": {"assurance": {"accept": 0.01}}})
    with pytest.raises(UserError, match="no version is released"):
        version_to_take(store)


@pytest.mark.parametrize("said", ["", "0.8/0.3", "0.5/0.5/0", "a/b", "0.25/0.25/0.25/0.25", "nan", "-1/2"])
def test_shares_that_are_none(said: str) -> None:
    with pytest.raises(UserError, match="--split: must be one to three shares"):
        read_shares(said)


def test_shares() -> None:
    assert read_shares("0.7/0.2/0.1") == {"train": 0.7, "validation": 0.2, "test": 0.1}
    assert read_shares("0.9/0.1") == {"train": 0.9, "test": 0.1}
    assert read_shares("1") == {"train": 1.0}


def test_the_command(store: Store, tmp_path: Path) -> None:
    make_run(store, rows=20)
    done = labelmill(tmp_path, ["export", "run", "out", "--split", "0.9/0.1", "--near", "1"])
    assert done.stdout == (
        "train      18 rows\ntest       2 rows\nfamilies   20, the largest of 1 rows, none of them divided\n"
        "dataset    out  (v000)\n"
    )
    with pytest.raises(UserError, match="out: is there already; name a new folder"):
        export(store)
