"""Targets that lean towards weak labels and keep their total; decks with more cards of rare values."""

from __future__ import annotations

import pytest

from generation.aim import AimSettings, decks, tilted
from generation.attribute import Attribute

EVEN = {"a": 30, "b": 30, "c": 30}


@pytest.mark.parametrize(
    ("errors", "settings", "expected"),
    [
        # pulls 1.5, 1, .5
        ({"a": 0.4, "b": 0.2, "c": 0.0}, {}, {"a": 45, "b": 30, "c": 15}),
        # pulls 2, 1, 0: the third is held at a half, the others give way
        ({"a": 0.4, "b": 0.2, "c": 0.0}, {"share": 1.0}, {"a": 50, "b": 25, "c": 15}),
        # pulls 3, 0, 0: at most twice, and the rest is shared
        ({"a": 0.9, "b": 0.0, "c": 0.0}, {"share": 1.0}, {"a": 60, "b": 15, "c": 15}),
        ({"a": 0.9, "b": 0.0, "c": 0.0}, {"share": 1.0, "most": 1.2}, {"a": 36, "b": 27, "c": 27}),
        ({"a": 0.4, "b": 0.2, "c": 0.0}, {"share": 0.0}, EVEN),
        ({"a": 0.4, "b": 0.2, "c": 0.0}, {"most": 1.0}, EVEN),
        ({"a": 0.0, "b": 0.0, "c": 0.0}, {}, EVEN),
        ({}, {}, EVEN),
        # what nobody knows has the mean error, .3
        ({"a": 0.4, "b": 0.2}, {"share": 1.0}, {"a": 40, "b": 20, "c": 30}),
    ],
)
def test_targets(errors: dict[str, float], settings: dict[str, float], expected: dict[str, int]) -> None:
    assert tilted(EVEN, errors, AimSettings.model_validate(settings)) == expected


def test_a_label_that_has_enough_gets_nothing() -> None:
    assert tilted({"a": 10, "b": 0, "c": 10}, {"a": 0.1, "b": 0.9, "c": 0.3}, AimSettings()) == {
        "a": 8,
        "b": 0,
        "c": 12,
    }


def test_the_total_holds_where_shares_are_no_whole_numbers() -> None:
    targets = {"a": 7, "b": 7, "c": 7, "d": 7}
    found = tilted(targets, {"a": 0.11, "b": 0.12, "c": 0.13, "d": 0.31}, AimSettings())
    assert found == {"a": 6, "b": 6, "c": 6, "d": 10}
    assert sum(found.values()) == 28


def test_decks() -> None:
    tone = Attribute(name="tone", values=("angry", "polite", "dry"))
    length = Attribute(name="length", values=("short", "long"))
    counts = {"tone": {"angry": 4, "polite": 20, "dry": 12}, "length": {"short": 10, "long": 10}}
    # even is 12 + 4: lacks 2, 2/3 and 1
    assert decks([tone, length], counts, AimSettings(share=1.0)) == {"tone": {"angry": 4, "polite": 1, "dry": 2}}
    assert decks([tone, length], counts, AimSettings()) == {"tone": {"angry": 3, "polite": 2, "dry": 2}}
    assert decks([tone], {}, AimSettings()) == {}
    assert decks([tone], {"tone": {"angry": 90}}, AimSettings(share=1.0))["tone"] == {"angry": 1, "polite": 4, "dry": 4}
