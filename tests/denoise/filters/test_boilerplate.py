from __future__ import annotations

import pytest

from denoise.filters.boilerplate import Boilerplate
from tests.denoise.filters.cases import reasons


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("As an AI language model, I have no card", "refusal"),
        ("well, as a language model I cannot", "refusal"),
        ("I'm an AI and have no account", "refusal"),
        ("I’m sorry, but I can’t assist with that.", "refusal"),
        ("I am very sorry, I'm unable to generate this", "refusal"),
        ("I cannot help with that request", "refusal"),
        ("I don't have personal experience of cards", "refusal"),
        ("it is not appropriate for me to answer", "refusal"),
        ("Here is an example of a complaint", "assistant_phrase"),
        ("Here are some messages about cards", "assistant_phrase"),
        ("Here is the first one:", "assistant_phrase"),
        ("Sure, I can do that", "assistant_phrase"),
        ("Certainly! My card is lost", "assistant_phrase"),
        ("My card is lost. I hope this helps!", "assistant_phrase"),
        ("Let me know if you need any more examples", "assistant_phrase"),
        ("Feel free to adjust it", "assistant_phrase"),
        ("This text belongs to the label", "assistant_phrase"),
        ("Dear [Your Name], your card is lost", "placeholder"),
        ("Order [order number] is late", "placeholder"),
        ("Where is my {name}?", "placeholder"),
        ("My card ends in XXXX", "placeholder"),
        ("I live in ____", "placeholder"),
        ("Lorem ipsum dolor sit amet", "placeholder"),
        ("first line\nSure, a second", "assistant_phrase"),
    ],
)
def test_what_goes(text: str, reason: str) -> None:
    assert reasons(Boilerplate(), text) == [reason]


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry, but I can't find my card",
        "I cannot help feeling cheated",
        "you can not help me with this?",
        "I am not sure, sorry",
        "Where here is a desk?",
        "here is my card number",
        "the message is clear",
        "let me know if you need my address",
        "[sighs] it is late",
        "x marks xxx",
        "write to <email> or <phone_2>",
        "an_old_name and _this_",
        "As an aid worker I travel",
    ],
)
def test_what_people_say_stays(text: str) -> None:
    assert reasons(Boilerplate(), text) == [None]
