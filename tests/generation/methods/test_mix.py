"""The beginning of one text and the end of another."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from generation.methods import make_method
from generation.methods.mix import pieces, splice
from tests.generation.cases import HOURS, LOST
from tests.generation.methods.cases import KEPT, material


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It broke. Send a new one, please!", ["It broke.", "Send a new one,", "please!"]),
        ("it hisses and the light is off", ["it hisses", "and the light is off"]),
        ("the card is lost", ["the card", "is lost"]),
        ("my band plays", ["my", "band plays"]),
        ("sandwich orders", ["sandwich", "orders"]),
        ("hello", ["hello"]),
        ("  It broke.\n Why?  ", ["It broke.", "Why?"]),
    ],
)
def test_pieces(text: str, expected: list[str]) -> None:
    assert pieces(text) == expected


def test_a_splice_holds_neither_text_whole() -> None:
    one, other = "It broke. I am sad. Help!", "The lamp flickers, so I want another."
    made = {splice(one, other, random.Random(seed)) for seed in range(40)}
    assert made == {"It broke. so I want another.", "It broke. I am sad. so I want another."}
    assert {splice("the card is lost", "card gone", random.Random(seed)) for seed in range(9)} == {"the card gone"}
    assert splice("hello", "hi", random.Random(0)) == "hello hi"


def test_pairs_of_a_label(model: Path) -> None:
    method, made = make_method("mix", "completion", model), material(kept=KEPT)
    asks = method.asks(made, LOST, 8)
    own = {example.id: example.text for example in made.examples_of("lost_card")}
    assert len(own) == 4
    assert len({ask.prompt for ask in asks}) == 8
    for ask in asks:
        one, other = ask.seed_ids
        assert one != other and {one, other} <= own.keys()
        assert ask.prompt.startswith(pieces(own[one])[0]) and ask.prompt.endswith(pieces(own[other])[-1])
    assert method.asks(made, LOST, 8) == asks
    assert method.asks(material(kept=KEPT, wave=1), LOST, 8) != asks


def test_one_example_makes_no_pair(model: Path) -> None:
    assert list(make_method("mix", "completion", model).asks(material(), HOURS, 3)) == []
