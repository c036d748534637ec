"""Every value about equally often, drawn from the material alone."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from generation.attribute import Attribute, persona
from generation.combinations import combination, longest_phrases, phrases
from generation.material import Material
from generation.settings import GenerationSettings
from generation.task import Label
from tests.generation.cases import HOURS, LOST, TASK

TONES, LENGTHS = ("angry", "polite", "dry"), ("short", "long")
TONE = Attribute(name="tone", values=TONES, phrase="in {value} words")
MATERIAL = Material(
    replace(TASK, attributes=(TONE, Attribute(name="length", values=LENGTHS), persona(("a child", "a judge")))),
    GenerationSettings(),
    "run",
)


def drawn(count: int, material: Material = MATERIAL, label: Label = LOST) -> list[dict[str, str]]:
    return [combination(material, label, turn) for turn in range(count)]


def test_every_value_about_equally_often() -> None:
    for count in (1, 6, 31):
        asked = drawn(count)
        for name, values in {"tone": TONES, "length": LENGTHS, "persona": ("a child", "a judge")}.items():
            times = Counter({value: 0 for value in values})
            times.update(each[name] for each in asked)
            assert sum(times.values()) == count
            assert max(times.values()) - min(times.values()) <= 1


def test_a_deck_says_how_often_values_come_up() -> None:
    asked = drawn(12, replace(MATERIAL, decks={"tone": {"angry": 3, "polite": 1, "dry": 2}}))
    assert Counter(each["tone"] for each in asked) == {"angry": 6, "polite": 2, "dry": 4}
    assert Counter(each["length"] for each in asked) == {"short": 6, "long": 6}


def test_dimensions_are_drawn_apart() -> None:
    pairs = Counter((each["length"], each["persona"]) for each in drawn(400))
    assert len(pairs) == 4
    assert min(pairs.values()) > 60


def test_asking_for_more_begins_the_same() -> None:
    assert drawn(20)[:7] == drawn(7)


@pytest.mark.parametrize("change", [{"identity": "other"}, {"round_": 1}, {"wave": 1}])
def test_runs_rounds_and_waves_differ(change: dict[str, Any]) -> None:
    assert drawn(12, replace(MATERIAL, **change)) != drawn(12)


def test_labels_differ() -> None:
    assert drawn(12, label=HOURS) != drawn(12)


def test_in_words() -> None:
    values = {"tone": "dry", "persona": "a child"}
    assert phrases(MATERIAL.task, values) == {"tone": "in dry words", "persona": "written by a child"}


def test_the_longest_words() -> None:
    longest = {"tone": "in polite words", "length": "length: short", "persona": "written by a child"}
    assert longest_phrases(MATERIAL.task) == longest


def test_a_task_without_attributes() -> None:
    plain = replace(MATERIAL, task=TASK)
    assert drawn(2, plain) == [{}, {}]
    assert phrases(TASK, {}) == {}
