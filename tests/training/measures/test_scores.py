"""Measures of a student that was not trained: only its head's labels matter."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.training.cases import LABELS, UNSEEN, rows
from training.job import TrainingRow
from training.measures.nearest import nearest
from training.measures.scores import assess, unseen
from training.predict import Student
from training.students import NETWORKS


@pytest.fixture(scope="module")
def student(minilm: Path) -> Student:
    network = NETWORKS["label"].start(minilm, LABELS, 16, seed=0)
    return Student(network, network.spec("label", LABELS))


def test_everything_is_json_and_agrees(student: Student):
    tone = [None, "dry", "dry", None, None, None, "loud"]
    found = assess(student, [*rows(UNSEEN), TrainingRow("music " * 30, "music")], {"tone": tone})
    assert json.loads(json.dumps(found)) == found
    wrong = sum(sum(row) for row in found["confusion"]) - sum(found["confusion"][place][place] for place in range(3))
    assert found["accuracy"] == pytest.approx(1 - wrong / 7)
    assert len(found["worst"]) == wrong
    least = [each["gold_probability"] for each in found["worst"]]
    assert least == sorted(least) and all(each["gold"] != each["predicted"] for each in found["worst"])
    assert sum(each["rows"] for each in found["slices"]["length"].values()) == 7
    assert list(found["slices"]["length"])[-1].endswith("30 words")
    assert {name: each["rows"] for name, each in found["slices"]["tone"].items()} == {"dry": 2, "loud": 1}
    assert found["truncated"] == pytest.approx(1 / 7)
    assert found["calibration"]["ece_before"] == found["calibration"]["ece"]
    assert 0 <= found["auroc"] <= 1
    assert found["risk_coverage"]["100%"] == pytest.approx(found["accuracy"])


def test_nothing_to_assess(student: Student):
    found = assess(student, [])
    assert (found["accuracy"], found["intervals"], found["auroc"], found["worst"]) == (0, {}, None, [])
    assert json.loads(json.dumps(found)) == found


def test_labels_that_training_never_saw_are_counted():
    test = rows((("a", "weather"), ("b", "music"), ("c", "music")))
    assert unseen("label", test, rows((("rain", "weather"),))) == {"music": 2}
    tagged = TrainingRow("a b", "", tokens=("a", "b"), tags=("B-time", "O"))
    assert unseen("tags", [tagged], []) == {"time": 1}
    assert unseen("multi_label", [TrainingRow("a", "x+y")], [TrainingRow("b", "y")]) == {"x": 1}


def test_the_nearest_says_the_same(student: Student):
    texts = [text for text, _ in UNSEEN]
    found = nearest(student, texts[:2], texts, 2)
    assert [places[0][0] for places in found] == [0, 1]
    assert found[0][0][1] == pytest.approx(1.0, abs=1e-5) and found[0][1][1] < 1
    assert nearest(student, texts[:1], [], 2) == [[]]
