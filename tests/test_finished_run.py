"""What a user does with a finished run, through the real command and from Python."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import duckdb
import fastparquet
import numpy as np
import pandas as pd
import polars as pl
import pyarrow.parquet as pq
import pytest

from cluster import Run
from cluster.evidence.exporting import Wanted, export_dataset
from cluster.evidence.tracing import student_view, trace
from cluster.forgetting.calls import call
from cluster.store import Store
from denoise.dedup.leak import near_duplicates_between
from generation.examples import read_examples
from generation.records import dataset_schema
from tests.chaos.story import Story
from tests.cluster.misbehaving import MODEL, serving


def labelmill(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "cluster", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=os.environ | {"HF_HUB_OFFLINE": "1"})


def digests(run: Path) -> dict[str, str]:
    """Content of all that a run keeps; the lease, the logs and the report carry times."""
    moving = {"lease.json", "lease.lock", "log.jsonl", "driver.log", "report.html", "report.json"}
    files = [path for path in run.rglob("*") if path.is_file() and path.name not in moving]
    return {str(path.relative_to(run)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture
def finished(story: Story, tmp_path: Path) -> tuple[Path, Path]:
    """(task, run): copies, so that no test changes what another sees."""
    shutil.copytree(story.task.parent, tmp_path / "task")
    shutil.copytree(story.run, tmp_path / "run")
    return tmp_path / "task" / story.task.name, tmp_path / "run"


def test_running_again_changes_nothing(finished: tuple[Path, Path]) -> None:
    task, run = finished
    before = digests(run)
    done = labelmill("run", task, "--run", run)
    assert done.returncode == 0, done.stderr
    assert digests(run) == before
    assert "nothing left to do: the run is finished; raise quota or rounds for more\n" in done.stderr
    assert "24/24 rows" in done.stderr
    assert f"next     {sys.executable} -m cluster predict {run} FILE" in done.stdout


def test_a_changed_identity_setting_is_refused(finished: tuple[Path, Path]) -> None:
    task, run = finished
    before = digests(run)
    done = labelmill("run", task, "--run", run, "--set", "generation.temperature=0.7")
    assert done.returncode == 2
    assert done.stderr == (
        f"labelmill: {task}: generation.temperature: was 1.0, now 0.7; {run} keeps its own: "
        "start another run with --run FOLDER\n"
    )
    assert digests(run) == before


def test_without_the_test_file_only_the_evaluation_is_gone(finished: tuple[Path, Path]) -> None:
    task, run = finished
    before = digests(run)
    (task.parent / "test.jsonl").unlink()
    done = labelmill("run", task, "--run", run)
    assert done.returncode == 0, done.stderr
    assert "accuracy" not in done.stdout
    assert "test.jsonl: no such file; there will be no evaluation" in done.stderr
    changed = {name for name, digest in digests(run).items() if before.get(name) != digest}
    assert changed == {"rounds/000/metrics.json"}
    assert json.loads((run / "rounds/000/metrics.json").read_text())["test"] is None


POOL = (
    "Our tortoise Hector has wandered off from Mill Lane, he comes for lettuce",
    "Has anyone seen a small grey rabbit, she slipped out of her hutch on Sunday",
    "Lemon tarts and rye loaves on the church steps this Saturday from nine",
    "Scones, brownies and cheese straws at the school gate on Friday",
    "Second trumpet wanted, we meet in the barn on Wednesday at eight",
    "The brass players practise in the hall tomorrow, bring your music stands",
)


def test_a_pool_that_is_fed_is_learnt_by_the_next_student(finished: tuple[Path, Path], tmp_path: Path) -> None:
    task, folder = finished
    rows = [{"text": text, "source": "board"} for text in POOL]
    (tmp_path / "pool.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    options = ("--task", task, "--take", "6", "--set", "feed.noise=0.5", "--set", "feed.ways=1")
    done = labelmill("feed", folder, tmp_path / "pool.jsonl", *options)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("pool      6 rows, ")
    assert labelmill("feed", folder, tmp_path / "pool.jsonl", *options).stdout == done.stdout
    store = Run.open(folder).store
    joined = store.kept([1]).num_rows
    assert joined > 0 and f"pools: {joined} rows joined of 6 in 1 feed" in labelmill("status", folder).stdout
    done = labelmill("run", task, "--run", folder)
    assert done.returncode == 0, done.stderr
    run = Run.open(folder)
    assert Counter(run.dataset()["source"].to_pylist()) == {"generated": 24, "pool": joined}
    assert run.student == store.folder(1, "student")
    assert run.metrics()["stop_reason"] == "fed"


def test_a_row_is_traced_taken_away_and_forgotten(finished: tuple[Path, Path], tmp_path: Path) -> None:
    task, folder = finished
    store = Store(folder)
    row = Run.open(folder).dataset().sort_by("id").to_pylist()[0]
    told = trace(store, row["id"][:10], student_view)
    assert told["request"]["prompt"].startswith("Short notes from a village notice board.\n")
    assert [each["kind"] for each in told["parents"]] == ["seed"] * len(row["seed_ids"])
    assert told["student"]["label"] == row["label"] and told["versions"] == ["v000"]
    taken = export_dataset(store, Wanted(str(tmp_path / "out"), "hf", {"train": 0.75, "test": 0.25}))
    assert taken.rows == {"train": 18, "test": 6}
    call(store, [row["id"]], "ann", "a test", False, False)
    kept = [path for path in folder.rglob("*.parquet")]
    assert kept and not any(row["text"] in str(pq.read_table(path).to_pylist()) for path in kept)
    assert row["text"] not in (folder / "report.html").read_text()
    assert fastparquet.ParquetFile(str(folder / "dataset" / "v000")).count() == 23
    again = labelmill("run", task, "--run", folder)
    assert again.returncode == 0, again.stderr
    assert "nothing left to do" in again.stderr
    assert Run.open(folder).dataset().num_rows == 23 and Run.open(folder).status().open_requests == 0


def test_preview_shows_prompts_and_rows_also_of_a_label_without_seeds(story: Story, tmp_path: Path) -> None:
    shutil.copytree(story.task.parent, tmp_path / "task")
    seeds = tmp_path / "task" / "seeds.jsonl"
    lines = [line for line in seeds.read_text().splitlines(True) if "band_practice" not in line]
    seeds.write_text("".join(lines))
    with serving() as server:
        asked = [word for change in (f"server.url={server.url}", f"server.model={MODEL}") for word in ("--set", change)]
        done = labelmill("preview", tmp_path / "task" / "task.yaml", "-n", "2", *asked)
    assert done.returncode == 0, done.stderr
    assert "no seeds for label 'band_practice'" in done.stderr
    for label in ("lost_pet", "bake_sale", "band_practice"):
        prompt, rows = done.stdout.split(f"== {label}: prompt ==\n")[1].split(f"-- {label}: rows --\n")
        assert prompt.startswith("Short notes from a village notice board.\n")
        assert len(rows.split("\n\n")[0].splitlines()) == 2
    # it is asked for beside seeds of the others
    assert "\nmusicians are wanted, or told when to meet:\n" in done.stdout


def test_status(story: Story) -> None:
    done = labelmill("status", story.run, "--json")
    state = json.loads(done.stdout)
    assert (state["name"], state["state"], state["driver"]) == ("tiny", "finished", None)
    assert state["accepted"] == state["wanted"] == {"lost_pet": 8, "bake_sale": 8, "band_practice": 8}
    assert state["open_requests"] == 0
    assert state["rows"] == state["judged"]


def test_predict_prints_or_writes(story: Story, tmp_path: Path) -> None:
    texts = tmp_path / "texts.csv"
    texts.write_text('text\nOur dog ran off last night\n"Buns, and tea"\n')
    printed = labelmill("predict", story.run, texts)
    rows = [json.loads(line) for line in printed.stdout.splitlines()]
    assert [row["text"] for row in rows] == ["Our dog ran off last night", "Buns, and tea"]
    assert rows[0]["label"] == "lost_pet"
    assert labelmill("predict", story.run, texts, "--out", tmp_path / "out.parquet").returncode == 0
    assert pd.read_parquet(tmp_path / "out.parquet").to_dict("records") == rows


def test_the_student_is_a_standard_hugging_face_folder(story: Story) -> None:
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    run = Run.open(story.run)
    text = "Wanted: bass guitarist for a covers band"
    tokenizer = AutoTokenizer.from_pretrained(run.student)
    model = AutoModelForSequenceClassification.from_pretrained(run.student)
    with torch.inference_mode():
        logits = model(**tokenizer(text, return_tensors="pt")).logits[0]
    row = run.predict([text]).to_pylist()[0]
    assert model.config.id2label[int(logits.argmax())] == row["label"] == "band_practice"
    assert float(logits.softmax(-1).max()) == pytest.approx(row["confidence"], abs=1e-4)


def test_the_student_is_taken_away_with_its_card(story: Story, tmp_path: Path) -> None:
    done = labelmill("export-student", story.run, tmp_path / "out", "--no-int8")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("onnx  100.0 % of ") and done.stdout.endswith(f"student  {tmp_path / 'out'}\n")
    card, run = (tmp_path / "out" / "README.md").read_text(), Run.open(story.run)
    tested = f"{run.metrics()['test']['student']['accuracy']:.3f}"
    assert f"| this student | {tested} |" in card and "| rows that a person checked | 0 |" in card
    assert f"| rows accepted | {sum(status == 'accepted' for status in run.verdicts()['status'].to_pylist())} |" in card
    texts = story.task.parent / "test.jsonl"
    first, second = (labelmill("predict", model, texts).stdout for model in (story.run, tmp_path / "out"))
    labels = [[json.loads(line)["label"] for line in each.splitlines()] for each in (first, second)]
    assert labels[0] == labels[1] and len(labels[0]) > 0
    again = labelmill("export-student", story.run, tmp_path / "out")
    assert again.returncode == 2
    assert again.stderr == f"labelmill: {tmp_path / 'out'}: is there already; name a new folder\n"


def test_every_reader_sees_the_same_dataset(story: Story) -> None:
    folder = story.run / "dataset" / "v000"
    rows = Run.open(story.run).dataset().to_pylist()
    assert (story.run / "dataset" / "latest").read_text() == "v000\n"
    parts = str(folder / "*.parquet")

    duck = duckdb.sql(f"select id, text, label, seed_ids, sampling from '{parts}' order by label, id").fetchall()
    polar = pl.read_parquet(parts).sort("label", "id")
    panda = pd.read_parquet(folder, engine="fastparquet").sort_values(["label", "id"])
    for index, row in enumerate(rows):
        assert duck[index][:3] == (row["id"], row["text"], row["label"])
        assert (
            duck[index][3] == row["seed_ids"] == polar["seed_ids"][index].to_list() == list(panda.seed_ids.iloc[index])
        )
        assert duck[index][4] == dict(row["sampling"]) == panda.sampling.iloc[index]
        assert (polar["text"][index], panda.text.iloc[index]) == (row["text"], row["text"])
    assert (folder / "_metadata").is_file()
    assert fastparquet.ParquetFile(str(folder)).count() == len(rows)


def test_dataset_rows_carry_final_labels_and_lineage(story: Story) -> None:
    run = Run.open(story.run)
    dataset = run.dataset()
    assert dataset.schema.equals(dataset_schema())
    verdicts = {row["id"]: row for row in run.verdicts().to_pylist()}
    seeds = {seed["id"]: seed for seed in json.loads((story.run / "seeds.json").read_text())}
    for row in dataset.to_pylist():
        verdict = verdicts[row["id"]]
        assert (row["label"], row["status"]) == (verdict["label"], verdict["status"])
        assert row["status"] == "relabelled" or row["label"] == row["intended_label"]
        assert {seeds[seed]["label"] for seed in row["seed_ids"]} == {row["intended_label"]}
    manifest = json.loads((story.run / "dataset/v000/manifest.json").read_text())
    assert manifest["rows"] == dataset.num_rows == 24
    for part in manifest["parts"]:
        content = (story.run / "dataset/v000" / part["name"]).read_bytes()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (part["bytes"], part["sha256"])


def test_no_kept_row_is_nearly_a_test_row_or_another_kept_row(story: Story) -> None:
    texts = Run.open(story.run).dataset()["text"].to_pylist()
    held_out = [row.text for row in read_examples(story.task.parent / "test.jsonl", None)]
    assert near_duplicates_between(texts, held_out, 0.6) == 0
    for index, text in enumerate(texts):
        assert near_duplicates_between([text], texts[:index], 0.6) == 0


def test_the_report_tells_the_same_numbers(story: Story) -> None:
    done = labelmill("report", story.run)
    page = Path(done.stdout.strip()).read_text()
    metrics = Run.open(story.run).metrics()
    assert metrics is not None
    assert f"{metrics['generated']:,}" in page
    assert "http://" not in page and "https://" not in page
    assert all(f'<section id="{part}"' in page for part in ("rounds", "map", "learnt", "copies"))
    numbers = json.loads(labelmill("report", story.run, "--format", "json", "--out", "-").stdout)
    assert (numbers["rows"]["kept"], numbers["rows"]["generated"]) == (24, metrics["generated"])
    assert numbers["rounds"][0]["accuracy"] == metrics["test"]["student"]["accuracy"]


def test_the_map_has_what_was_kept_and_the_seeds(story: Story) -> None:
    rows = pd.read_parquet(story.run / "rounds" / "000" / "map.parquet")
    kept = Run.open(story.run).dataset().to_pandas().set_index("id")["label"]
    mine = rows[rows.outcome.isin(["kept", "moved"])].set_index("id")
    assert mine.label.sort_index().equals(kept.sort_index())
    assert Counter(rows.outcome)["seed"] == len(json.loads((story.run / "seeds.json").read_text()))
    assert rows.confidence.between(0, 1).all() and rows.variability.between(0, 0.5).all()


def test_the_same_from_python(finished: tuple[Path, Path]) -> None:
    task, folder = finished
    run = Run(task, folder)
    assert run.status().state == "finished"
    assert run.run().dataset().num_rows == 24
    assert run.requests().num_rows * 4 == run.rows().num_rows == run.verdicts().num_rows
    predicted = run.predict(["Lost: one brown hen, very loud", "Cake stall at the bus stop at noon"])
    assert predicted["label"].to_pylist() == ["lost_pet", "bake_sale"]
    assert np.all(predicted["confidence"].to_numpy() > 1 / 3)
    metrics = run.metrics()
    assert metrics is not None and metrics["test"] is not None
    assert Counter(run.dataset()["label"].to_pylist()) == metrics["accepted"]


def test_lost_tokens_are_in_the_metrics(story: Story) -> None:
    metrics = Run.open(story.run).metrics()
    assert metrics is not None
    assert metrics["tokens"]["lost"] > 0
