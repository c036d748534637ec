"""Sets of labels from file to request, and from answer to row."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from generation.examples import check_seeds, read_examples
from generation.kinds.multi_label import MultiLabelKind
from generation.task import Example
from tests.generation.kinds.cases import Item, make_task, mistake, read

KIND = MultiLabelKind(("why", "card", "lost"))
ROW = {"text": "why is my card gone", "labels": ["why", "card"]}


def test_a_set_is_sorted_and_joined(tmp_path: Path) -> None:
    assert read(tmp_path, KIND, ROW, {"text": "why", "labels": ["why"]}) == (
        Example("why is my card gone", "card+why", 1),
        Example("why", "why", 2),
    )
    (tmp_path / "a.csv").write_text("text,labels\nwhy is it gone,why+lost\n")
    assert read_examples(tmp_path / "a.csv", KIND.labels, KIND.name) == (Example("why is it gone", "lost+why", 2),)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"labels": []}, "line 1: labels must be a list of strings; got []"),
        ({"labels": ["why", 3]}, "line 1: labels: 2 must be a string; got 3"),
        ({"labels": ["why", "crad"]}, "line 1: unknown label 'crad'; did you mean 'card'?"),
        ({"labels": "why+why"}, "line 1: labels must differ; got ['why', 'why']"),
        ({"text": " "}, "line 1: text must not be blank; got ' '"),
    ],
)
def test_mistakes(tmp_path: Path, change: dict[str, Any], expected: str) -> None:
    assert mistake(tmp_path, KIND, ROW | change) == expected


def test_the_same_text_with_another_set(tmp_path: Path) -> None:
    rows: list[Item] = [ROW, ROW | {"labels": ["card", "why"]}, ROW | {"labels": ["why"]}]
    expected = "line 3: text 'why is my card gone' has label 'why', but label 'card+why' in line 1"
    assert mistake(tmp_path, KIND, *rows) == expected


def test_requests_are_for_sets_that_occur_and_for_labels_that_do_not() -> None:
    about = {"why": "asks for a reason", "card": "is about a card", "lost": "something is gone"}
    seeds = [Example("b", "card+why", 1), Example("a", "why", 2), Example("c", "card+why", 3)]
    shown = KIND.shown(make_task(about, seeds))
    assert [(label.name, label.description) for label in shown.labels] == [
        ("card+why", "is about a card; asks for a reason"),
        ("lost", "something is gone"),
        ("why", "asks for a reason"),
    ]
    assert shown.seeds_of("card+why") == [seeds[0], seeds[2]]
    assert check_seeds(tmp := Path("s"), seeds, KIND.labels, KIND) == [
        f"{tmp}: no seeds for label 'lost'; its description alone guides it"
    ]


def test_an_answer_has_the_labels_that_it_was_asked_for() -> None:
    assert KIND.content("a+b", "card+why", "stop") == {
        "text": "a+b",
        "finish_reason": "stop",
        "labels": ["card", "why"],
    }


def test_a_name_must_not_hold_what_joins_names() -> None:
    assert KIND.problem("c+") == "label names must not contain '+', which joins them; got 'c+'"
    assert KIND.problem("c") is None
