"""The instruction in the model's own chat format, and the line that answers it."""

from __future__ import annotations

from pathlib import Path

import pytest

from generation.methods import make_method
from tests.generation.cases import HOURS, LOST, TASK


def test_prompt(model: Path) -> None:
    assert make_method("prompted", "chat", model).prompt(TASK, LOST, TASK.seeds[:2]) == (
        "<s>[user] Messages to a library.\n"
        'Write one new text with the label "lost card": the card is gone\n'
        "Rule: Not one that broke.\n"
        "Examples of this label:\n"
        "- I left my card on the bus\n"
        "- card gone\n"
        "Answer with the new text alone, on one line, unlike the examples in wording.\n"
        "[assistant] "
    )


def test_prompt_without_rules_and_exemplars(model: Path) -> None:
    assert make_method("prompted", "chat", model).prompt(TASK, HOURS, []) == (
        "<s>[user] Messages to a library.\n"
        'Write one new text with the label "opening hours": asks for times\n'
        "Answer with the new text alone, on one line, unlike the examples in wording.\n"
        "[assistant] "
    )


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ("I lost it.", "I lost it."),
        ('- "I lost it."', "I lost it."),
        ("12. I lost it.\nThere you are.", "I lost it."),
        ("1) I lost it.", "I lost it."),
        ("• I lost it.", "I lost it."),
        ("2024 was long", "2024 was long"),
        ("-5 degrees", "-5 degrees"),
        ("", ""),
    ],
)
def test_parse(model: Path, answer: str, text: str) -> None:
    assert make_method("prompted", "chat", model).parse(answer) == text


def test_the_chat_template_writes_the_special_tokens(model: Path) -> None:
    method = make_method("prompted", "chat", model)
    assert (method.stop, method.form.adds_special_tokens) == (("\n",), False)
