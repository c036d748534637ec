"""Words changed, without an LM."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from generation.methods import make_method
from generation.methods.base import Ask
from generation.methods.eda import OPERATIONS, change, turn_of
from tests.generation.cases import HOURS, LOST, TASK
from tests.generation.methods.cases import KEPT, material

TEXT = "please open the kitchen door"


def synonyms(word: str) -> list[str]:
    return {"open": ["unlock"]}.get(word, [])


def changed(operation: str, text: str = TEXT, seed: int = 0) -> list[str]:
    return change(text, operation, random.Random(seed), synonyms).split()


def test_the_four_operations() -> None:
    assert changed("replace") == "please unlock the kitchen door".split()  # noqa: SIM905
    assert Counter(changed("insert")) == Counter([*TEXT.split(), "unlock"])
    assert sorted(changed("swap")) == sorted(TEXT.split()) and changed("swap") != TEXT.split()
    assert set(changed("delete", " ".join([TEXT] * 9))) == set(TEXT.split())
    assert len(changed("delete", " ".join([TEXT] * 9))) < 45


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_single_unknown_word_stays(operation: str) -> None:
    assert [changed(operation, "hello", seed) for seed in range(9)] == [["hello"]] * 9


def test_a_tenth_of_the_words_is_replaced() -> None:
    many = ["open"] * 30
    assert Counter(changed("replace", " ".join(many)))["unlock"] == 3


def test_examples_take_turns_and_meet_all_operations() -> None:
    assert [turn_of(number, 2) for number in range(8)] == [
        *("replace", "insert", "insert", "swap"),
        *("swap", "delete", "delete", "replace"),
    ]


def asks(count: int, model: Path, **more: object) -> list[Ask]:
    made = material(synonyms={"card": ("ticket", "badge"), "lost": ("gone",), "library": ("archive",)}, **more)
    return list(make_method("eda", "completion", model).asks(made, LOST, count))


def test_texts_are_new_and_say_what_was_done(model: Path) -> None:
    found = asks(8, model, kept=KEPT)
    examples = material(kept=KEPT).examples_of("lost_card")
    assert [ask.seed_ids for ask in found] == [(examples[turn % 4].id,) for turn in range(8)]
    assert [ask.attributes["operation"] for ask in found[:4]] == ["replace", "insert", "swap", "delete"]
    texts = [ask.prompt for ask in found]
    assert len(set(texts)) == 8
    assert not {example.text for example in examples} & set(texts)


def test_waves_and_rounds_bring_other_texts_and_the_same_wave_the_same(model: Path) -> None:
    first = asks(6, model)
    assert asks(6, model) == first
    assert asks(9, model)[:6] == first
    assert asks(6, model, wave=1) != first
    assert asks(6, model, round_=1) != first


def test_nothing_comes_of_a_label_without_examples(model: Path) -> None:
    bare = material(replace(TASK, seeds=TASK.seeds[:3]))
    assert list(make_method("eda", "chat", model).asks(bare, HOURS, 3)) == []
