"""Answers of servers, the odd ones too."""

from __future__ import annotations

import json
import time
from email.utils import formatdate
from typing import Any

import pytest

from cluster.server_answer import Answer, Choice, UnansweredError, read_answer
from cluster.server_client import seconds_to_wait

BODY = {"prompt": "eight ch", "n": 2}
USAGE = {"prompt_tokens": 5, "completion_tokens": 4}


def read(reply: Any, body: dict[str, Any] = BODY) -> Answer:
    return read_answer(reply if isinstance(reply, bytes) else json.dumps(reply).encode(), body)


def test_a_completion() -> None:
    choices = [{"index": 1, "text": "b", "finish_reason": "length"}, {"index": 0, "text": "a", "finish_reason": "stop"}]
    answer = read({"choices": choices, "usage": USAGE | {"prompt_tokens_details": {"cached_tokens": 3}}})
    assert answer == Answer((Choice("a", "stop"), Choice("b", "length")), 5, 3, 4)
    assert answer.tokens == 9


def test_a_chat_with_no_content() -> None:
    choices = [{"index": 0, "message": {"content": None, "refusal": "no"}, "finish_reason": "content_filter"}]
    answer = read({"choices": choices, "usage": USAGE | {"prompt_tokens_details": None}})
    assert answer == Answer((Choice("", "content_filter"),), 5, 0, 4)


def test_more_texts_than_asked_for_are_left() -> None:
    choices = [{"index": index, "text": str(index)} for index in range(5)]
    assert [each.text for each in read({"choices": choices, "usage": USAGE}).choices] == ["0", "1"]
    assert [each.text for each in read({"choices": choices, "usage": USAGE}, {"prompt": "p"}).choices] == ["0"]


@pytest.mark.parametrize(
    "usage", [None, [], {}, {"prompt_tokens": 5}, USAGE | {"prompt_tokens": -1}, USAGE | {"completion_tokens": True}]
)
def test_without_usage_tokens_are_estimated(usage: Any) -> None:
    reply = {"choices": [{"text": "nine char"}], "usage": usage}
    assert read(reply) == Answer((Choice("nine char", None),), 2, 0, 3, estimated=True)
    chat = {"messages": [{"role": "user", "content": "12345"}], "n": 1}
    assert read(reply, chat).prompt_tokens == 2


@pytest.mark.parametrize(
    ("reply", "problem"),
    [
        (b"\xff", "the answer is not JSON"),
        (b"[" * 100_000, "the answer is not JSON"),
        ([], "the answer has no choices"),
        ({"choices": []}, "the answer has no choices"),
        ({"choices": {"text": "a"}}, "the answer has no choices"),
        ({"error": {"message": "overloaded"}}, "the answer has no choices"),
        ({"choices": ["a"]}, "a choice is not an object but 'a'"),
    ],
)
def test_what_is_no_answer(reply: Any, problem: str) -> None:
    with pytest.raises(UnansweredError) as caught:
        read(reply)
    assert str(caught.value) == problem


def test_text_that_cannot_be_stored_is_replaced() -> None:
    (choice,) = read(b'{"choices": [{"text": "a \\ud83d b", "finish_reason": 3}]}').choices
    assert choice == Choice("a ? b", None)


def test_how_long_to_wait() -> None:
    assert [seconds_to_wait(header) for header in (None, "", "soon", "nan", "inf x")] == [None] * 5
    assert [seconds_to_wait(header) for header in ("3", "0.5", "-4")] == [3.0, 0.5, 0.0]
    assert seconds_to_wait(formatdate(time.time() - 60)) == 0.0
    ahead = seconds_to_wait(formatdate(time.time() + 60))
    assert ahead is not None
    assert 50 < ahead <= 60
