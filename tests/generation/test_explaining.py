"""What an LM is asked about a row's label."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from generation.errors import UserError
from generation.explaining import DRAWN, Explaining, Told, plan_explanations, read_told
from generation.forms import FORMS
from generation.records import expected_row_ids
from generation.task import Example
from tests.cluster.cases import make_job

ROWS = (Example("so glad", "pos", known_as="r1"), Example("how sad", "neg", known_as="r2"))
TOLD = (Told("a fine day", "pos", "The writer praises the day."),)


@pytest.fixture
def plans(tmp_path: Path):
    job = make_job(tmp_path)
    form = FORMS["completion"](job.model_folder)
    method = Explaining(form, Explaining.templates["completion"], rows=ROWS, told=TOLD)
    return plan_explanations(replace(job.material(), adapters={}), method, 3)


def test_each_row_is_asked_about_greedily_and_by_drawing(plans) -> None:
    greedy, drawn = plans
    assert greedy["seed_ids"].to_pylist() == drawn["seed_ids"].to_pylist() == [["r1"], ["r2"]]
    assert greedy["samples"].to_pylist() == [1, 1] and drawn["samples"].to_pylist() == [DRAWN, DRAWN]
    assert [dict(each)["temperature"] for each in greedy["sampling"].to_pylist()] == [0.0, 0.0]
    assert [dict(each)["temperature"] for each in drawn["sampling"].to_pylist()] == [1.0, 1.0]
    assert (set(greedy["wave"].to_pylist()), set(drawn["wave"].to_pylist())) == ({6}, {7})
    assert len({*expected_row_ids(greedy), *expected_row_ids(drawn)}) == 2 * (1 + DRAWN)


def test_a_prompt_shows_what_people_told_and_ends_with_the_question(plans) -> None:
    assert plans[0]["prompt"].to_pylist()[0] == (
        "Short remarks. Why does each text have its label?\n\n"
        "Text: a fine day\nLabel: pos\nWhy: The writer praises the day.\n\n"
        "Text: so glad\nLabel: pos (is glad)\nWhy:"
    )


def write(path: Path, *rows: object) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_reading_what_people_told(tmp_path: Path) -> None:
    row = {"text": "a fine day", "label": "pos", "explanation": "The writer\npraises  the day."}
    assert read_told(write(tmp_path / "told.jsonl", row), ["pos", "neg"]) == TOLD


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"text": "a", "label": "poss", "explanation": "b"}, "unknown label 'poss'; did you mean 'pos'?"),
        ({"text": "a", "label": "pos"}, "explanation"),
        ({"text": "a", "label": "pos", "explanation": " "}, "explanation must not be blank; got ' '"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, row: dict[str, str], expected: str) -> None:
    path = write(tmp_path / "told.jsonl", row)
    with pytest.raises(UserError, match=expected.replace("?", r"\?")) as caught:
        read_told(path, ["pos", "neg"])
    assert f"{path} line 1" in str(caught.value)
