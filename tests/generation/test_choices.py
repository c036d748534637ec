"""The same question in several ways."""

from __future__ import annotations

from pathlib import Path

from generation.choices import choice_prompt, examples_among, ways_of
from generation.methods import make_method
from generation.methods.pseudo_label import PseudoLabel
from tests.generation.cases import TASK

NAMES = ["a", "b", "c", "d"]


def test_lists_are_turned_and_reversed() -> None:
    orders = ["".join(way.ordered(NAMES)) for way in ways_of("completion", 4)]
    assert orders == ["abcd", "bcda", "badc", "cbad"]
    assert [way.wording for way in ways_of("completion", 4)[:2]] == [
        way.wording for way in ways_of("completion", 4)[2:]
    ]
    assert len({way.wording for way in ways_of("chat", 4)}) == 2
    assert ways_of("chat", 1)[0].ordered(NAMES) == NAMES


def test_every_label_stands_first_and_last_equally_often() -> None:
    orders = [way.ordered(NAMES) for way in ways_of("completion", 8)]
    assert {order[0] for order in orders} == {order[-1] for order in orders} == set(NAMES)


def test_what_is_asked(model: Path) -> None:
    method = make_method("pseudo_label", "completion", model)
    assert isinstance(method, PseudoLabel)
    seeds = examples_among(TASK.seeds, TASK.label_names, 2)
    one, other = ways_of("completion", 2)
    assert choice_prompt(one, method, TASK, seeds, "closed?").endswith(
        'Label: opening_hours\n\nText: "closed?"\nLabel:'
    )
    assert one.answer("lost_card") == " lost_card"
    assert choice_prompt(other, method, TASK, seeds, "closed?").startswith(
        '"opening_hours": asks for times\n"lost_card"'
    )
    assert choice_prompt(other, method, TASK, seeds, "closed?").endswith('\n"closed?" is "')
    assert other.answer("lost_card") == 'lost_card"'


def test_examples_take_turns() -> None:
    assert [seed.label for seed in examples_among(TASK.seeds, TASK.label_names, 3)] == [
        "lost_card",
        "opening_hours",
        "lost_card",
    ]
    assert {seed.label for seed in examples_among(TASK.seeds, ["lost_card"], 9)} == {"lost_card"}
