from __future__ import annotations

import pytest

from denoise.filters.label_leak import LabelLeak
from tests.denoise.filters.cases import reasons

NAMES = ["lost_card", "openingHours", "weather"]


@pytest.mark.parametrize(
    "text",
    [
        "Label: lost card. Where is it?",
        "this is labelled as opening hours",
        'a message of the category "weather"',
        "intent = Weather",
        'He said "lost card" about it',
        "(opening hours)",
        "Lost card: I cannot find it",
        "this is LostCard",
        "so #OpeningHours",
    ],
)
def test_marked_names_go(text: str) -> None:
    assert reasons(LabelLeak.of(NAMES, [], anywhere=False), text) == ["leaks_label"]


@pytest.mark.parametrize(
    "text",
    [
        "I have lost card and purse",
        "what are the opening hours",
        "what is the weather",
        'he said "weather" to me',
        "Weather: will it rain?",
        "first class weather",
        "opening-hours please",
    ],
)
def test_what_people_say_stays(text: str) -> None:
    assert reasons(LabelLeak.of(NAMES, [], anywhere=False), text) == [None]


def test_anywhere_spares_what_a_seed_says() -> None:
    rule = LabelLeak.of(NAMES, ["How is the weather?"], anywhere=True)
    texts = ["I have a lost card", "Opening-Hours of it", "nice weather", "lost cards"]
    assert reasons(rule, *texts) == ["leaks_label", "leaks_label", None, None]
    assert reasons(LabelLeak.of([], [], anywhere=True), "any text") == [None]
