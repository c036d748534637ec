"""Temperatures from what is committed: the same before and after a break."""

from __future__ import annotations

import pytest

from cluster.rounds import Round
from cluster.steering import temperatures, variety_of
from cluster.store import Store
from generation.records import requests_table, row_id, rows_table
from generation.task import Example, Label, Task
from tests.cluster.cases import RUN_ID, add_verdicts, verdict

SEEDS = ("one two three", "four five six")
TASK = Task(
    name="mood",
    description="d",
    labels=(Label(name="pos", description="glad"), Label(name="neg", description="not")),
    seeds=tuple(Example(text, "pos") for text in SEEDS),
)
NOW = Round(0, {"pos": 99, "neg": 99}, 99, None)


def judge(store: Store, wave: int, agreed: int, text: str = "", temperature: float = 1.0, round_: int = 0) -> None:
    """A wave of 20 judged rows of "pos", of which it agrees with `agreed`, and one that no judge saw."""
    names = [f"pos-{round_}{wave}{place:02d}" for place in range(21)]
    plain = {"label": "pos", "wave": wave, "sampling": {"temperature": temperature}}
    asked = [{"request_id": name, **plain} for name in names]
    store.commit(round_, "requests", f"w{wave:03d}", requests_table(asked), RUN_ID)
    common = {"label": "pos", "intended_label": "pos", "round": round_, "wave": wave}
    rows = [
        {"id": row_id(name, 0), "request_id": name, "text": text or f"a{name[-2:]} b{name[-2:]} c{name[-2:]}", **common}
        for name in names
    ]
    store.commit(round_, "generated", f"w{wave:03d}", rows_table(rows), RUN_ID)
    kept = [verdict(name, stage="quota") for name in names[: agreed - 1]]
    kept.append(verdict(names[agreed - 1], "surplus", stage="quota"))
    moved = [verdict(names[agreed], "relabelled", stage="quota", label="neg")]
    lost = [verdict(name, "rejected", stage="agreement") for name in names[agreed + 1 : 20]]
    add_verdicts(store, [*kept, *moved, *lost, verdict(names[20], "rejected", stage="exact")], f"w{wave:03d}", round_)


def test_nothing_judged(store: Store) -> None:
    assert temperatures(store, NOW, 0, TASK, 0.9) == {"pos": 0.9, "neg": 0.9}


def test_a_label_that_is_often_wrong_gets_colder(store: Store) -> None:
    judge(store, 0, agreed=10)
    assert temperatures(store, NOW, 1, TASK, 1.0) == {"pos": 0.8, "neg": 1.0}
    judge(store, 1, agreed=10)  # planned before wave 0 was judged
    judge(store, 2, agreed=10, temperature=0.8)
    assert temperatures(store, NOW, 2, TASK, 1.0) == {"pos": 0.8, "neg": 1.0}
    assert temperatures(store, NOW, 3, TASK, 1.0) == {"pos": 0.6, "neg": 1.0}
    # verdicts that came in the meantime do not change what is planned from the earlier ones
    assert temperatures(store, NOW, 1, TASK, 1.0) == {"pos": 0.8, "neg": 1.0}


def test_a_label_whose_texts_are_alike_gets_hotter(store: Store) -> None:
    judge(store, 0, agreed=18, text="one two three four")
    assert temperatures(store, NOW, 1, TASK, 1.0) == {"pos": 1.2, "neg": 1.0}


def test_what_no_lm_was_asked_for_has_no_temperature(store: Store) -> None:
    asked = [{"request_id": "pos-lit", "label": "pos", "wave": 0, "sampling": {}}]
    store.commit(0, "requests", "w000", requests_table(asked), RUN_ID)
    rows = [
        {"id": row_id("pos-lit", 0), "request_id": "pos-lit", "text": "a b", "label": "pos", "intended_label": "pos"}
    ]
    store.commit(0, "generated", "w000", rows_table([row | {"round": 0, "wave": 0} for row in rows]), RUN_ID)
    add_verdicts(store, [verdict("pos-lit", stage="quota")], "w000", 0)
    assert temperatures(store, NOW, 1, TASK, 0.9) == {"pos": 0.9, "neg": 0.9}


def test_a_round_begins_where_the_one_before_left_off(store: Store) -> None:
    judge(store, 0, agreed=10)
    judge(store, 1, agreed=18, temperature=0.8)
    later = Round(1, NOW.targets, 198, None)
    assert temperatures(store, later, 0, TASK, 1.0) == {"pos": 0.8, "neg": 1.0}
    judge(store, 0, agreed=10, temperature=0.8, round_=1)
    assert temperatures(store, later, 1, TASK, 1.0) == {"pos": 0.6, "neg": 1.0}


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["a b c", "d e f"], 1.0),
        (["a b c", "a b c"], 0.5),
        (["a b c", "a b c", "d e f", "g h i", "left out"], 0.75),
        (["a b c"], None),
        ([], None),
    ],
)
def test_variety_at_equal_numbers(texts: list[str], expected: float | None) -> None:
    assert variety_of(texts, SEEDS) == expected


def test_variety_of_seeds_that_have_none() -> None:
    assert variety_of(["a b", "c d"], ["a", "b"]) is None
