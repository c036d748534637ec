from __future__ import annotations

import pytest

from denoise.filters.prompt_leak import PromptLeak
from generation.task import Label, Task
from tests.denoise.cases import TASK
from tests.denoise.filters.cases import reasons


@pytest.mark.parametrize(
    "text",
    [
        "this is a lost_card message",
        "LOST_CARD",
        "Hello, the reader cannot find the card.",
        "short messages that people send to my aunt",
        "it mentions a card that went missing today",
        "1. Where is my card",
        "Where is it?\n2) Where is my card",
        "- Where is my card",
        "Where is {{ card }}",
        "Where is my card<|im_end|>",
        "[INST] Where is my card",
        "### Where is my card",
        "Text: Where is my card",
    ],
)
def test_leaks(text: str) -> None:
    assert reasons(PromptLeak.of(TASK), text) == ["leaks_prompt"]


@pytest.mark.parametrize(
    "text",
    [
        "I lost my card",
        "lost card",
        "Times have changed",
        "short messages that people send",  # five words of the guideline
        "Where here is a desk?",
        "I am not sure, sorry",
        "My pin is 1234. It fails",
        "5 books are overdue",
        "I <3 this library",
        "The text: unreadable",
    ],
)
def test_honest_texts_pass(text: str) -> None:
    assert reasons(PromptLeak.of(TASK), text) == [None]


def test_a_short_description_may_be_said() -> None:
    labels = (
        Label(name="topup", description="top up failed"),
        Label(name="fee", description="asks about an unknown fee"),
    )
    rule = PromptLeak.of(Task("bank", "Short questions", labels, ()))
    assert reasons(rule, "My top up failed again", "Someone asks about an unknown fee") == [None, "leaks_prompt"]
