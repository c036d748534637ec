"""A whole run on an object store: killed, resumed, and looked at, through the real command; a server writes texts."""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pandas as pd
import pyarrow.parquet as pq
import pytest
from pyarrow import fs

from cluster import report_cache
from cluster.run import Run
from cluster.store import Store
from denoise.dedup.leak import near_duplicates_between
from generation.location import ObjectPath, locate
from generation.records import expected_row_ids
from tests.chaos.driver import TINY, Driver, survivors
from tests.cluster.misbehaving import MODEL, serving
from tests.s3 import ENVIRONMENT, uri
from tests.test_finished_run import labelmill
from tests.test_server_run import write
from training.folders import local_folder

# few at a time, so that there is much to do still when the first rows are there
FEW = ("quota=6", "server.concurrency=2", "runtime.commit_rows=2")
CHANGES = (*FEW, "student.steps=5", "student.judge_steps=5", "denoise.accept=0", f"server.model={MODEL}")


def objects(address: str) -> dict[str, int]:
    """Keys below a prefix and the sizes of their objects, but for the lease and the logs."""
    root = locate(address)
    assert isinstance(root, ObjectPath)
    found = root.filesystem.get_file_info(fs.FileSelector(root.path, recursive=True))
    names = {info.path.removeprefix(root.path + "/"): info.size for info in found if info.type == fs.FileType.File}
    return {name: size for name, size in names.items() if not name.startswith(("lease/", "log/", "report"))}


@pytest.fixture(scope="module")
def small() -> Iterator[list[str]]:
    """Options of a run, and a slow server for it."""
    with serving() as server:
        server.write, server.delay = write, 0.5
        yield [word for change in (*CHANGES, f"server.url={server.url}") for word in ("--set", change)]


@pytest.fixture(scope="module")
def finished(s3: int, small: list[str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a run whose first driver was killed amid its generation."""
    folder, address = tmp_path_factory.mktemp("s3-run"), uri(s3, uuid4().hex)
    store = Store(address)
    driver = Driver(folder / "run", *small, address=address)
    driver.wait_for(lambda: store.parts(0, "generated"))
    assert survivors(driver.kill()) == []
    before = objects(address)
    output = Driver(folder / "run", *small, address=address).finish(600)
    assert "resumed round 0: " in output
    after = objects(address)
    parts = {name: size for name, size in before.items() if "part-" in name}
    assert parts and parts.items() <= after.items()
    yield address


def test_every_request_is_answered_once(finished: str) -> None:
    store = Store(finished)
    ids = store.generated(0, ["id"])["id"].to_pylist()
    assert sorted(ids) == sorted(expected_row_ids(store.requests(0)))
    assert len({Path(part).name[:10] for part in store.parts(0, "generated")}) == 2  # of two drivers
    run = Run.open(finished)
    assert run.verdicts().num_rows == len(ids)
    assert set(run.dataset()["id"].to_pylist()) <= set(ids)


def test_running_again_changes_nothing(finished: str, small: list[str]) -> None:
    before = objects(finished)
    done = labelmill("run", TINY, "--run", finished, *small)
    assert done.returncode == 0, done.stderr
    assert "nothing left to do" in done.stderr
    assert objects(finished) == before
    assert f"predict '{finished}' FILE" in done.stdout


def test_a_larger_quota_opens_a_round(finished: str, small: list[str], s3: int) -> None:
    address, before = uri(s3, uuid4().hex), objects(finished)
    source, target = locate(finished), locate(address)
    assert isinstance(source, ObjectPath) and isinstance(target, ObjectPath)
    fs.copy_files(
        source.path, target.path, source_filesystem=source.filesystem, destination_filesystem=target.filesystem
    )
    done = labelmill("run", TINY, "--run", address, *small, "--set", "quota=8")
    assert done.returncode == 0, done.stderr
    del before[report_cache.NAME]  # made anew of more parts
    assert before.items() <= objects(address).items()  # pointers are as long as they were
    assert (target / "dataset" / "latest").read_text() == "v001\n"
    assert (target / "student").read_text() == "rounds/001/student\n"
    run = Run.open(address)
    assert Counter(run.dataset()["label"].to_pylist()) == {"lost_pet": 8, "bake_sale": 8, "band_practice": 8}
    assert run.dataset("v000").num_rows == 18
    assert set(run.dataset("v000")["id"].to_pylist()) < set(run.dataset()["id"].to_pylist())
    texts = run.dataset()["text"].to_pylist()
    assert all(near_duplicates_between([text], texts[:index], 0.6) == 0 for index, text in enumerate(texts))
    ids = run.rows()["id"].to_pylist()
    assert len(set(ids)) == len(ids) == run.verdicts().num_rows


def test_status_report_and_predict_take_the_uri(finished: str, tmp_path: Path) -> None:
    state = json.loads(labelmill("status", finished, "--json").stdout)
    assert (state["state"], state["open_requests"], state["rows"]) == ("finished", 0, state["judged"])
    shown = finished.partition("?")[0]
    assert labelmill("report", finished).stdout == f"{shown}/report.html\n"
    assert "<html" in (locate(finished) / "report.html").read_text()
    texts = tmp_path / "texts.csv"
    texts.write_text("text\nOur dog ran off last night\n")
    (row,) = labelmill("predict", finished, texts).stdout.splitlines()
    assert json.loads(row)["label"] in ("lost_pet", "bake_sale", "band_practice")


def test_the_dataset_lies_there_for_other_readers(finished: str) -> None:
    place = locate(finished) / "dataset" / "v000"
    assert isinstance(place, ObjectPath)
    rows = Run.open(finished).dataset().sort_by("id")
    base, path = fs.FileSystem.from_uri(f"{place / 'part-00000.parquet'}?{place.query}")  # pyarrow's own
    assert pq.read_table(path, filesystem=base).sort_by("id")["text"].equals(rows["text"])
    copy = pd.read_parquet(local_folder(place), engine="fastparquet").sort_values("id")
    assert copy["text"].to_list() == rows["text"].to_pylist()


def test_no_credential_is_kept(finished: str) -> None:
    root = locate(finished)
    assert isinstance(root, ObjectPath)
    for info in root.filesystem.get_file_info(fs.FileSelector(root.path, recursive=True)):
        if info.extension in ("json", "jsonl", "html"):
            assert (
                ENVIRONMENT["AWS_SECRET_ACCESS_KEY"] not in root.filesystem.open_input_file(info.path).read().decode()
            )


def test_a_store_that_is_not_there(s3: int, tmp_path: Path) -> None:
    shutil.copytree(TINY.parent, tmp_path / "task")
    task = tmp_path / "task" / TINY.name
    done = labelmill("run", task, "--run", uri(s3, "run", bucket="none"))
    assert done.returncode == 2
    assert done.stderr.startswith("labelmill: s3://none: none/run/.write-probe cannot be written to: ")
    assert "NO_SUCH_BUCKET" in done.stderr
    assert done.stderr.count("\n") == 1
    os.environ["LABELMILL_STORE_PATIENCE"] = "0.1"
    try:
        done = labelmill("status", uri(1, "run"))
    finally:
        del os.environ["LABELMILL_STORE_PATIENCE"]
    assert done.returncode == 1
    assert done.stderr.startswith("labelmill: s3://bucket: bucket/run/run.json cannot be read: ")
    assert done.stderr.count("\n") == 1
