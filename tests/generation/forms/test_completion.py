"""The numbered list that the LM goes on with, and its next line."""

from __future__ import annotations

from pathlib import Path

import pytest

from generation.methods import make_method
from tests.generation.cases import HOURS, LOST, TASK


def test_prompt(model: Path) -> None:
    assert make_method("prompted", "completion", model).prompt(TASK, LOST, TASK.seeds[:2]) == (
        "Messages to a library.\nlost card: the card is gone\n\n1. I left my card on the bus\n2. card gone\n3."
    )


def test_prompt_without_exemplars(model: Path) -> None:
    expected = "Messages to a library.\nopening hours: asks for times\n\n1."
    assert make_method("prompted", "completion", model).prompt(TASK, HOURS, []) == expected


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (" I lost it.", "I lost it."),
        ("\n\n lost  it \n4. more", "lost it"),
        (' "Lost it."\n', "Lost it."),
        (" \n ", ""),
        ("", ""),
    ],
)
def test_parse(model: Path, answer: str, text: str) -> None:
    assert make_method("prompted", "completion", model).parse(answer) == text


def test_an_answer_ends_with_its_line(model: Path) -> None:
    method = make_method("prompted", "completion", model)
    assert (method.stop, method.form.adds_special_tokens) == (("\n",), True)
