"""Ambiguous seeds, and what is near them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from generation.material import Material
from generation.methods import make_method
from generation.methods.wanli import ambiguous, neighbours
from generation.task import Example
from tests.generation.cases import HOURS, LOST, TASK
from tests.generation.methods.cases import material

MANY = tuple(Example(f"card {number}", "lost_card") for number in range(9))
OTHER = TASK.seeds[3]
IDS = [seed.id for seed in MANY]


@pytest.fixture
def learnt() -> Material:
    """Nine seeds, the fifth the most variable, then the third and the last; one of another label is near the fifth."""
    changes = dict.fromkeys(IDS, 0.1) | {IDS[4]: 0.5, IDS[2]: 0.4, IDS[8]: 0.3}
    near = {
        IDS[4]: (IDS[1], OTHER.id, IDS[0], IDS[8], IDS[7], IDS[6], IDS[5]),
        IDS[2]: (OTHER.id, IDS[3]),
        IDS[8]: (OTHER.id,),
        OTHER.id: (IDS[4],),
    }
    return material(replace(TASK, seeds=(*MANY, OTHER)), variability=changes, neighbours=near)


def test_a_quarter_is_ambiguous_and_at_least_one(learnt: Material) -> None:
    assert ambiguous(learnt, "lost_card") == [MANY[4], MANY[2], MANY[8]]
    assert ambiguous(learnt, "opening_hours") == [OTHER]


def test_neighbours_are_of_the_label_and_the_nearest_comes_last(learnt: Material) -> None:
    assert neighbours(learnt, MANY[4]) == [MANY[6], MANY[7], MANY[8], MANY[0], MANY[1]]
    assert neighbours(learnt, MANY[2]) == [MANY[3]]
    assert neighbours(learnt, MANY[8]) == []


def test_a_seed_among_strangers_is_skipped(learnt: Material, model: Path) -> None:
    method = make_method("wanli", "completion", model)
    asks = method.asks(learnt, LOST, 5)
    first, second = (asks[0].seed_ids, asks[1].seed_ids)
    assert first == tuple(IDS[number] for number in (6, 7, 8, 0, 1, 4))
    assert second == (IDS[3], IDS[2])
    assert [ask.seed_ids for ask in asks] == [first, second, first, second, first]
    assert method.most_exemplars(learnt.settings) == len(first)
    assert asks[1].prompt == (
        "Messages to a library.\n"
        "lost card: the card is gone\n"
        "3 that are alike in what makes them so:\n\n"
        "1. card 3\n"
        "2. card 2\n"
        "3."
    )


def test_where_all_are_among_strangers_they_stand_alone(learnt: Material, model: Path) -> None:
    (ask,) = make_method("wanli", "chat", model).asks(learnt, HOURS, 1)
    assert ask.seed_ids == (OTHER.id,)
    assert ask.prompt == (
        "<s>[user] Messages to a library.\n"
        'These have the label "opening hours": asks for times\n'
        "- When do you close?\n"
        "Write another one that is like these in what makes the label fit, above all like the last one, "
        "but not in wording.\n"
        "Answer with the new text alone, on one line.\n"
        "[assistant] "
    )


def test_before_all_is_learnt_prompts_are_as_long(model: Path) -> None:
    unlearnt = material(replace(TASK, seeds=(*MANY, OTHER)))
    asks = make_method("wanli", "completion", model).asks(unlearnt, LOST, 3)
    assert [len(ask.seed_ids) for ask in asks] == [6, 6, 6]
    assert [ask.seed_ids[-1] for ask in asks] == sorted(IDS)[:3]
