"""Pairs from file to prompt, and from answer to row."""

from __future__ import annotations

from pathlib import Path

import pytest

from generation.errors import UserError
from generation.examples import read_examples
from generation.kinds.pair import PairKind, text_columns
from generation.task import Example
from tests.generation.kinds.cases import make_task, mistake, read, reason, write_items

KIND = PairKind(("follows", "not"))
ROW = {"text_a": "It rains. ", "text_b": "It is wet.", "label": "follows"}


def test_a_pair_is_joined(tmp_path: Path) -> None:
    other = ROW | {"text_b": "It is dry.", "label": "not"}
    assert read(tmp_path, KIND, ROW, other) == (
        Example("It rains. ||| It is wet.", "follows", 1),
        Example("It rains. ||| It is dry.", "not", 2),
    )
    assert read_examples(write_items(tmp_path, [ROW]), None, "pair") == (Example("It rains. ||| It is wet.", None, 1),)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"text_b": ""}, "line 1: text_b must not be blank; got ''"),
        ({"text_a": "a ||| b"}, "line 1: text_a must not contain '|||'; got 'a ||| b'"),
        ({"label": "folows"}, "line 1: unknown label 'folows'; did you mean 'follows'?"),
    ],
)
def test_mistakes(tmp_path: Path, change: dict[str, str], expected: str) -> None:
    assert mistake(tmp_path, KIND, ROW | change) == expected


def test_a_text_that_is_no_pair(tmp_path: Path) -> None:
    assert mistake(tmp_path, KIND, {"text": "a", "label": "not"}) == "line 1: text_a is missing; got 'text, label'"


def test_prompts_say_how_a_pair_is_written() -> None:
    task = make_task({"follows": "b follows", "not": "it does not"}, [Example("a ||| b", "not", 3)])
    shown = KIND.shown(task)
    assert shown.description == "Short notes. Each is two texts with ||| between them."
    assert (shown.labels, shown.seeds) == (task.labels, task.seeds)


def test_an_answer_is_split() -> None:
    assert KIND.content("It snows.|||It is  cold. ", "follows", "stop") == {
        "finish_reason": "stop",
        "text": "It snows. ||| It is  cold.",
        "text_a": "It snows.",
        "text_b": "It is  cold.",
    }


@pytest.mark.parametrize("written", ["It snows.", "a ||| ", "||| b", "a ||| b ||| c", "a || b"])
def test_malformed_answers(written: str) -> None:
    assert reason(KIND, written) == "malformed"
    assert KIND.content(written, "not", "stop") == {"text": written, "finish_reason": "malformed"}
    assert KIND.content("", "not", "malformed") == {"text": "", "finish_reason": "malformed"}
    assert KIND.content(written, "not", "length") == {"text": written, "finish_reason": "length"}


def test_columns_of_texts() -> None:
    assert text_columns("pair") == text_columns("pair", "text") == ("text_a", "text_b")
    assert text_columns("tags", "body") == ("body",)
    with pytest.raises(UserError, match=r"^--text: the texts of pairs are in text_a and text_b; got 'body'$"):
        text_columns("pair", "body")
