"""What is told of seeds and words, in a task of its own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from generation.task import Example
from tests.training.cases import SEEDS
from training.learnt import learn
from training.loop import learn_material
from training.settings import StudentSettings

EXAMPLES = [Example(text, label) for text, label in SEEDS]
IDS = sorted(example.id for example in EXAMPLES)


@pytest.mark.usefixtures("ray_session")
def test_seeds_and_words(minilm: Path) -> None:
    told = learn_material(EXAMPLES, ["rain", "the", "qzxv"], minilm, StudentSettings())
    assert sorted(told["variability"]) == sorted(told["neighbours"]) == IDS
    assert all(0 < value < 0.5 for value in told["variability"].values())
    assert all(sorted([name, *others]) == IDS for name, others in told["neighbours"].items())
    assert list(told["synonyms"]) == ["rain"]
    assert told == json.loads(json.dumps(told))
    assert learn(EXAMPLES[::-1], ["rain"], minilm, StudentSettings()).keys() == told.keys()


def test_the_order_of_seeds_does_not_matter(minilm: Path) -> None:
    assert learn(EXAMPLES[::-1], [], minilm, StudentSettings()) == learn(EXAMPLES, [], minilm, StudentSettings())


def test_words_alone(minilm: Path) -> None:
    told = learn([], ["rain"], minilm, StudentSettings())
    assert (told["variability"], told["neighbours"], len(told["synonyms"]["rain"])) == ({}, {}, 5)
