"""Slots from file to prompt, and from answer to tokens and tags."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from generation.examples import read_examples
from generation.kinds.spans import word_spans
from generation.kinds.tags import TagsKind
from generation.task import Example
from tests.generation.kinds.cases import make_task, mistake, read, reason

KIND = TagsKind(("time", "person name"))
TEXT = "Tell Ann Lee, at 5 p.m.?"
TOKENS = ["Tell", "Ann", "Lee", ",", "at", "5", "p.m.", "?"]
TAGS = ["O", "B-person name", "I-person name", "O", "O", "B-time", "I-time", "O"]
MARKED = "Tell [person name: Ann Lee], at [time: 5 p.m.]?"
SLOTS = [{"slot": "time", "span": [17, 23]}, {"slot": "person name", "span": [5, 12], "text": "Ann Lee"}]


def test_three_ways_to_say_the_same(tmp_path: Path) -> None:
    expected = Example(TEXT, None, 1, tuple(TOKENS), tuple(TAGS))
    assert read(tmp_path, KIND, {"text": MARKED}) == (expected,)
    assert read(tmp_path, KIND, {"text": TEXT, "slots": SLOTS}) == (expected,)
    (spaced,) = read(tmp_path, KIND, {"tokens": TOKENS, "tags": TAGS})
    assert (spaced.text, spaced.tokens, spaced.tags) == ("Tell Ann Lee , at 5 p.m. ?", expected.tokens, expected.tags)
    assert KIND.write(expected) == MARKED
    assert KIND.write(spaced) == "Tell [person name: Ann Lee] , at [time: 5 p.m.] ?"


def test_parquet_and_texts_without_tags(tmp_path: Path) -> None:
    pq.write_table(pa.table({"tokens": [TOKENS], "tags": [TAGS]}), tmp_path / "a.parquet")
    (example,) = read_examples(tmp_path / "a.parquet", KIND.labels, KIND.name)
    assert (example.tokens, example.tags) == (tuple(TOKENS), tuple(TAGS))
    assert read_examples(tmp_path / "a.parquet", None, KIND.name) == (Example("Tell Ann Lee , at 5 p.m. ?", None, 1),)


def test_spans_that_touch_and_repeated_words(tmp_path: Path) -> None:
    (example,) = read(tmp_path, KIND, {"text": "at at[time: at at][time: at]"})
    assert example.text == "at atat atat"
    assert example.tags == ("O", "O", "B-time", "I-time", "B-time")
    assert KIND.write(example) == "at at[time: at at][time: at]"


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ({"tokens": ["a", "b"], "tags": ["O"]}, "tokens and tags must be equally many; got 2 and 1"),
        ({"tokens": ["a"], "tags": ["B-tim"]}, "unknown slot 'tim'; did you mean 'time'?"),
        ({"tokens": ["a"], "tags": ["time"]}, "tags must be O, B-SLOT or I-SLOT; got 'time'"),
        ({"tokens": ["a"], "tags": ["I-time"]}, "tags: I-time must follow B-time or I-time; it follows O"),
        ({"tokens": ["a b"], "tags": ["O"]}, "tokens must be free of spaces; got 'a b'"),
        ({"tokens": ["["], "tags": ["O"]}, "text must not contain brackets beside the marks; got '['"),
        ({"tokens": ["a"]}, "tags is missing; got 'tokens'"),
        ({"text": "a [time: b"}, "text must mark spans like [slot: value]; got 'a [time: b'"),
        ({"text": "a [tame: b]"}, "unknown slot 'tame'; did you mean 'time'?"),
        ({"text": "abc", "slots": "time"}, "slots must be a list of objects with slot and span; got 'time'"),
        ({"text": "abc", "slots": [{"slot": "tim"}]}, "unknown slot 'tim'; did you mean 'time'?"),
        ({"text": "abc", "slots": [{"slot": "time"}]}, "span of 'time' must be [start, end]; got None"),
        (
            {"text": "abc", "slots": [{"slot": "time", "span": [1, 4]}]},
            "span [1, 4] of 'time' must cut 'a value' out of the text; got ''",
        ),
        (
            {"text": "abc", "slots": [{"slot": "time", "span": [1, 2], "text": "c"}]},
            "span [1, 2] of 'time' must cut 'c' out of the text; got 'b'",
        ),
        (
            {"text": "abc", "slots": [{"slot": "time", "span": [0, 2]}, {"slot": "time", "span": [1, 3]}]},
            "spans must not overlap; got [0, 2] and [1, 3]",
        ),
    ],
)
def test_mistakes(tmp_path: Path, item: dict[str, Any], expected: str) -> None:
    assert mistake(tmp_path, KIND, item) == f"line 1: {expected}"


def test_the_same_text_with_other_tags(tmp_path: Path) -> None:
    rows = {"text": "[time: a] b"}, {"text": "a [time: b]"}
    assert mistake(tmp_path, KIND, *rows) == "line 2: text 'a b' has other tags in line 1"


def test_an_example_is_shown_under_each_of_its_slots() -> None:
    seeds = [
        Example(TEXT, None, 1, tuple(TOKENS), tuple(TAGS)),
        Example("at six", None, 2, ("at", "six"), ("O", "B-time")),
        Example("hello", None, 3, ("hello",), ("O",)),
    ]
    shown = KIND.shown(make_task({"time": "a time", "person name": "a name"}, seeds))
    assert shown.description == "Short notes. Values are marked like [slot: value]."
    assert shown.seeds_of("time") == [Example(MARKED, "time", 1), Example("at [time: six]", "time", 2)]
    assert shown.seeds_of("person name") == [Example(MARKED, "person name", 1)]


def test_an_answer_becomes_tokens_and_tags() -> None:
    assert KIND.content(MARKED, "time", "stop") == {
        "finish_reason": "stop",
        "text": TEXT,
        "tokens": TOKENS,
        "tags": TAGS,
    }


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("at [time: five", "malformed"),
        ("at five]", "malformed"),
        ("at [time: [time: five]]", "malformed"),
        ("at [time: five [person name: Ann] ]", "malformed"),
        ("at [time: ]", "malformed"),
        ("at [: five]", "malformed"),
        ("at [five]", "malformed"),
        ("at [hour: five]", "unknown_slot"),
        ("at [time: five], [place: here]", "unknown_slot"),
        ("at five", "lacks_slot"),
        ("ask [person name: Ann]", "lacks_slot"),
    ],
)
def test_answers_that_are_no_rows(written: str, expected: str) -> None:
    assert reason(KIND, written, "time") == expected
    assert KIND.content(written, "time", "stop") == {"text": written, "finish_reason": expected}


def test_a_slot_must_not_hold_what_marks_slots() -> None:
    assert KIND.problem("a:b") == "slot names must not contain brackets or colons, which mark them; got 'a:b'"
    assert KIND.problem("a_b c") is None


def test_a_span_may_lack_its_beginning() -> None:
    assert list(word_spans(["I-t", "I-t", "I-p", "O", "B-p"])) == [("t", 0, 2), ("p", 2, 3), ("p", 4, 5)]
