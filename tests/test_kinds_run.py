"""Whole runs of tasks whose examples are more than a text and a label; a fake server writes the texts."""

from __future__ import annotations

import json
import random
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import fastparquet
import yaml

from cluster import Run
from tests.chaos.driver import Driver
from tests.cluster.misbehaving import MODEL, serving

Write = Callable[[random.Random, list[str]], str]
QUICK = {"judge_steps": 5, "steps": 5, "cold_steps": 7}


def exemplars(prompt: str) -> list[str]:
    """What a completion prompt lists."""
    return [line.split(". ", 1)[1] for line in prompt.splitlines() if line[:1].isdigit() and ". " in line]


def mixed(draw: random.Random, texts: list[str]) -> str:
    """Some words of all of them."""
    words = " ".join(texts).split()
    return " ".join(draw.sample(words, min(6, len(words))))


def answer(write: Write, body: dict[str, Any], index: int) -> str:
    """What the server says; the first question, which greets it, is no prompt of the task's."""
    texts = exemplars(body["prompt"])
    return write(random.Random(body["seed"] + index), texts) if texts != ["One"] else "Two"


def start(folder: Path, write: Write, rows: list[dict[str, Any]], **task: Any) -> Driver:
    """A finished run of a task with these seeds, which are its test rows too."""
    for name in ("seeds", "test"):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    settings = {"name": "tiny", "description": "Short notes.", "seeds": "seeds.jsonl", "test": "test.jsonl", "quota": 6}
    settings |= {"student": QUICK, "denoise": {"accept": 0.0}} | task
    with serving() as server:
        server.write = lambda body, index: answer(write, body, index)
        settings["server"] = {"url": server.url, "model": MODEL}
        (folder / "task.yaml").write_text(yaml.safe_dump(settings))
        driver = Driver(folder / "run", task=folder / "task.yaml")
        driver.finish()
    return driver


def reasons(run: Run) -> Counter[str | None]:
    """Why rows were rejected, counted."""
    return Counter(row["reason"] for row in run.verdicts().to_pylist() if row["status"] == "rejected")


def read_elsewhere(run: Run, columns: list[str]) -> None:
    """Other readers see the columns of the dataset as Arrow does."""
    dataset = run.dataset().sort_by("id")
    files = f"{run.store.root}/dataset/v000/*.parquet"
    found = duckdb.execute(f"select {', '.join(columns)} from '{files}' order by id").fetchall()
    assert found == list(zip(*(dataset[name].to_pylist() for name in columns), strict=True))
    frame = fastparquet.ParquetFile(str(run.store.root / "dataset" / "v000")).to_pandas().sort_values("id")
    assert {name: frame[name].to_list() for name in columns} == {name: dataset[name].to_pylist() for name in columns}


def predict(driver: Driver, file: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "cluster", "predict", str(driver.run), str(driver.run.parent / file)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


PAIRS = [
    ("The bakery on the square opens at six", "One can buy bread early", "follows"),
    ("All seats of the evening train were taken", "Nobody could sit down any more", "not"),
    ("Her brother keeps bees behind the old mill", "There are insects near a mill", "follows"),
    ("Snow fell on the harbour last winter", "The harbour lies in the south", "not"),
]


def write_pair(draw: random.Random, texts: list[str]) -> str:
    """A pair of words from the exemplars, and now and then a text alone."""
    first, second = zip(*(text.split(" ||| ") for text in texts), strict=True)
    return mixed(draw, list(first)) + draw.choice([" ||| ", " ||| ", " "]) + mixed(draw, list(second))


def test_pairs(tmp_path: Path) -> None:
    labels = [{"name": "follows", "description": "the second follows"}, {"name": "not", "description": "it does not"}]
    rows = [dict(zip(("text_a", "text_b", "label"), row, strict=True)) for row in PAIRS]
    driver = start(tmp_path, write_pair, rows, kind="pair", labels=labels)
    run = Run.open(driver.run)
    dataset = run.dataset()
    assert {"text_a", "text_b"} < set(dataset.column_names)
    assert not {"labels", "tokens", "tags"} & set(dataset.column_names)
    assert dataset.num_rows > 0
    for row in dataset.to_pylist():
        assert row["text"] == f"{row['text_a']} ||| {row['text_b']}"
    read_elsewhere(run, ["text_a", "text_b"])
    malformed = [row for row in run.rows().to_pylist() if row["finish_reason"] == "malformed"]
    assert reasons(run)["malformed"] == len(malformed) > 0
    assert {row["text_a"] for row in malformed} == {None}

    metrics = run.metrics()
    assert metrics is not None and metrics["test"]["rows"] == 4
    assert f"accuracy on 4 held-out rows: student {metrics['test']['student']['accuracy']:.3f}, " in driver.output
    seeds = json.loads((driver.run / "seeds.json").read_text())
    assert [seed["text"] for seed in seeds] == [f"{first} ||| {second}" for first, second, _ in PAIRS]
    assert {seed for row in run.rows().to_pylist() for seed in row["seed_ids"]} == {seed["id"] for seed in seeds}
    told = predict(driver, "test.jsonl")
    assert [json.loads(line)["text"] for line in told.stdout.splitlines()] == [seed["text"] for seed in seeds]


QUESTIONS = [
    ("How much does the new card cost", ["card", "price"]),
    ("I have lost my card at the station", ["card", "lost"]),
    ("What is the fee for a transfer abroad", ["price"]),
    ("The price of a second card went up again", ["card", "price"]),
]


OF_SETS = {"labels_missing", "labels_added", "label_disagrees"}


def test_several_labels(tmp_path: Path) -> None:
    labels = [{"name": name, "description": f"about a {name} thing"} for name in ("price", "card", "lost", "thanks")]
    rows = [{"text": text, "labels": names} for text, names in QUESTIONS]
    driver = start(tmp_path, mixed, rows, kind="multi_label", labels=labels)
    run = Run.open(driver.run)
    dataset = run.dataset()
    sets = {"card+lost", "card+price", "price"}
    # a label without an example has nothing that the fake server could mix
    assert set(dataset["label"].to_pylist()) <= sets | {"thanks"}
    assert set(run.requests()["label"].to_pylist()) == sets | {"thanks"}
    assert dataset.num_rows > 0
    assert "tags" not in dataset.column_names
    for row in dataset.to_pylist():
        assert row["label"] == "+".join(row["labels"])
    read_elsewhere(run, ["labels"])
    judged = {row["id"]: row for row in run.verdicts().to_pylist() if row["stage"] in ("agreement", "quota")}
    assert judged and all("judge_confidence" in dict(row["scores"]) for row in judged.values())
    assert {row["reason"] for row in judged.values() if row["status"] == "relabelled"} <= OF_SETS
    for row, (text, _) in zip(has_a_student(driver, run, "multi_label", judged=True), QUESTIONS, strict=True):
        assert row["text"] == text
        assert row["labels"] and {*row["labels"]} <= {"price", "card", "lost", "thanks"}


NOTES = [
    "Meet [person: Ann Lee] at [time: half past six] behind the mill",
    "The train for [person: Omar] leaves at [time: noon], does it not?",
    "Nobody but [person: Eva] knows that the bakery opens at [time: five]",
]


def write_note(draw: random.Random, texts: list[str]) -> str:
    """Marks from the exemplars between words of theirs, and now and then an unknown slot or an open mark."""
    marks = [mark for text in texts for mark in re.findall(r"\[[^]]*\]", text)]
    words = [word for text in texts for word in re.sub(r"\[[^]]*\]", "", text).split()]
    odd = draw.choice(["", "", " [place: mill]", " [time: now"])
    return " ".join([*draw.sample(words, 5), draw.choice(marks), *draw.sample(words, 3), draw.choice(marks)]) + odd


def test_tags(tmp_path: Path) -> None:
    labels = [{"name": "person", "description": "somebody's name"}, {"name": "time", "description": "a time of day"}]
    driver = start(tmp_path, write_note, [{"text": note} for note in NOTES], kind="tags", labels=labels)
    run = Run.open(driver.run)
    dataset = run.dataset()
    assert dataset.num_rows > 0
    for row in dataset.to_pylist():
        assert " ".join(row["tokens"]).replace(" ", "") == row["text"].replace(" ", "")
        assert len(row["tokens"]) == len(row["tags"])
        assert f"B-{row['label']}" in row["tags"]
    read_elsewhere(run, ["tokens", "tags"])
    assert {"malformed", "unknown_slot", "lacks_slot"} <= set(reasons(run))
    names = {"span_slot", "span_boundary", "span_missing"}
    told = [dict(row["scores"]) for row in run.verdicts().to_pylist() if row["stage"] == "quota"]
    assert told and all(set(scores) == names and 0 <= min(scores.values()) <= 1 for scores in told)
    assert {scores["span_slot"] for scores in told} != {1.0}
    for row in has_a_student(driver, run, "tags", judged=False):
        assert len(row["tokens"]) == len(row["tags"])
        assert {tag[2:] for tag in row["tags"]} <= {"", "person", "time"}


def has_a_student(driver: Driver, run: Run, kind: str, judged: bool) -> list[dict[str, Any]]:
    """A student, its evaluation and its predictions, which are returned."""
    unjudged = f"kind '{kind}' has no judge: doubts about spans are written down" in driver.output
    assert unjudged is not judged
    assert {"student  ", "next     "} <= {line[:9] for line in driver.output.splitlines()}
    assert (driver.run / "rounds" / "000" / "judge").exists() is judged
    spec = json.loads((Path(str(run.student)) / "student.json").read_text())
    assert (spec["kind"], spec["temperature"], spec["calibration_rows"]) == (kind, 1.0, 0)
    folders = {"student": 5 if judged else 7, "baseline": 7}  # what starts from a plain encoder takes more steps
    first = driver.run / "rounds" / "000"
    assert {name: json.loads((first / name / "training.json").read_text())["steps"] for name in folders} == folders
    metrics = run.metrics()
    baselines = ["plain fine-tuning", *(["contrastive"] if judged else [])]
    assert metrics is not None and list(metrics["test"]["baselines"]) == baselines
    student = metrics["test"]["student"]
    assert f"micro-F1 on {metrics['test']['rows']} held-out rows: student {student['micro_f1']:.3f}, " in driver.output
    low, high = student["intervals"]["micro_f1"]
    assert 0 <= low <= student["micro_f1"] <= high <= 1
    assert set(student["per_class"]) == set(spec["labels"])
    report = (driver.run / "report.html").read_text()
    assert ("has no judge: rows were kept for their form, by filters and deduplication alone." in report) is not judged
    told = predict(driver, "test.jsonl")
    return [json.loads(line) for line in told.stdout.splitlines()]
