"""`labelmill explain` with the embedded LM, on a run whose rows are written by hand."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from cluster.dataset import materialise
from cluster.explanations import read_explanations
from cluster.job import prepare
from cluster.store import Store
from generation.records import digest, rows_table, verdicts_table
from tests.test_finished_run import labelmill

TINY = Path(__file__).parent / "tiny" / "task.yaml"
TEXTS = ("our cat Mimi is gone", "buns on Sunday at the hall", "drummer wanted", "the dog ran off")


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run of the tiny task with a dataset of four rows."""
    job, store = prepare(TINY), Store(tmp_path / "run")
    store.write_json("run.json", job.run_json())
    store.write_json("rounds/000/round.json", {})
    labels = job.task.label_names
    rows = [
        {"id": digest(text), "request_id": f"r{place}", "text": text, "source": "generated"}
        | {"label": labels[place % len(labels)], "intended_label": labels[place % len(labels)]}
        for place, text in enumerate(TEXTS)
    ]
    verdicts = [{"id": row["id"], "revision": 0, "label": row["label"], "status": "accepted"} for row in rows]
    store.commit(0, "generated", "e0", rows_table(rows), job.run_id)
    store.commit(0, "verdicts", "w000", verdicts_table(verdicts), job.run_id)
    materialise(store, 0, job.run_id)
    return tmp_path / "run"


def test_rows_are_explained_once_and_voted_on(run: Path, tmp_path: Path) -> None:
    labels = prepare(TINY).task.label_names
    (tmp_path / "told.jsonl").write_text(
        f'{{"text": "a grey parrot flew away", "label": "{labels[0]}", "explanation": "The writer misses a bird."}}\n'
    )
    asked = ["explain", str(TINY), "--run", str(run), "--rows", "3", "--examples", str(tmp_path / "told.jsonl")]
    done = labelmill(*asked, "--out", tmp_path / "all.csv")
    assert done.returncode == 0, done.stderr
    assert " of 15 explanations\n" in done.stderr
    told = read_explanations(Store(run))
    assert len(set(told["row"].to_pylist())) == 3
    assert 3 <= told.num_rows <= 15  # those cut short are left out
    shown = list(csv.DictReader((tmp_path / "all.csv").open()))
    assert [row["id"] for row in shown] == told["id"].to_pylist()

    votes = "".join(f"{row['id']},{'yes' if row['greedy'] == 'true' else 'no'}\n" for row in shown)
    (tmp_path / "votes.csv").write_text("id,acceptable\n" + votes)
    again = labelmill(*asked, "--votes", tmp_path / "votes.csv")
    assert again.returncode == 0, again.stderr
    assert "starting the engine" not in again.stderr  # what is there is not made again
    assert f"{told.num_rows} votes taken\n" in again.stdout
    assert f"{told.num_rows} explanations of 3 rows, {told.num_rows} of them voted on" in again.stdout
