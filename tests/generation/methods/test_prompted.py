"""Which seeds a prompt shows, and where attributes stand in it."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from generation.attribute import Attribute
from generation.material import Material
from generation.methods import make_method
from generation.methods.prompted import exemplar_sets
from generation.plan import plan_wave
from generation.records import digest, map_column
from generation.settings import GenerationSettings
from generation.task import Example
from generation.tokens import BLOCK
from tests.generation.cases import HOURS, LOST, TASK

TEN = tuple(Example(f"card {number} is gone", "lost_card") for number in range(10))
ROWS = tuple(Example(f"odd {number}", "lost_card") for number in range(3))
TONE = Attribute(name="tone", values=("angry", "polite"), phrase="in {value} words")
LENGTH = Attribute(name="length", values=("one line",))


def material(
    round_: int = 0, rows: tuple[Example, ...] = (), attributes: tuple[Attribute, ...] = (), **settings: float
) -> Material:
    made = GenerationSettings.model_validate({"exemplars": 4, "exemplar_sets": 4, **settings})
    task = replace(TASK, seeds=TEN, attributes=attributes)
    return Material(task, made, "run", round_, sparse={"lost_card": rows})


def used(sets: Iterable[Iterable[Example]]) -> Counter[str]:
    times = Counter({seed.text: 0 for seed in TEN})
    times.update(example.text for chosen in sets for example in chosen)
    return times


def spread(times: Counter[str]) -> int:
    return max(times.values()) - min(times.values())


def test_a_rounds_sets_go_through_all_seeds_before_one_comes_again() -> None:
    for round_ in range(5):
        sets = exemplar_sets(material(round_), LOST)
        assert [len({seed.id for seed in chosen}) for chosen in sets] == [4, 4, 4, 4]
        assert set(used(sets[:2]).values()) == {0, 1}
        assert set(used(sets[:3]).values()) == {1, 2}
        assert spread(used(sets)) == 1


@pytest.mark.parametrize(("exemplars", "sets"), [(4, 4), (3, 1), (7, 2), (1, 3), (9, 5)])
def test_rounds_use_each_seed_about_equally_often(exemplars: int, sets: int) -> None:
    total: Counter[str] = Counter()
    for round_ in range(8):
        drawn = exemplar_sets(material(round_, exemplars=exemplars, exemplar_sets=sets), LOST)
        assert len(drawn) == sets
        total += used(drawn)
        assert spread(Counter({seed.text: total[seed.text] for seed in TEN})) <= 1


def test_sets_of_all_seeds_differ_in_order() -> None:
    sets = exemplar_sets(material(exemplars=10), LOST)
    assert [sorted(used([chosen]).values()) for chosen in sets] == [[1] * 10] * 4
    assert len({tuple(seed.id for seed in chosen) for chosen in sets}) == 4
    draw = random.Random(digest("run", 0, 0, "lost_card"))
    assert sets == [draw.sample(sorted(TEN, key=lambda seed: seed.id), 10) for _ in range(4)]


def test_rows_from_sparse_regions_stand_in_for_seeds() -> None:
    plain = exemplar_sets(material(1), LOST)
    mixed = exemplar_sets(material(1, ROWS, sparse=0.5), LOST)
    assert [[row.text for row in chosen[:2]] for chosen in mixed] == [
        ["odd 0", "odd 1"],
        ["odd 2", "odd 0"],
        ["odd 1", "odd 2"],
        ["odd 0", "odd 1"],
    ]
    assert [chosen[2:] for chosen in mixed] == [chosen[2:] for chosen in plain]
    # fewer rows than wanted; none of this label; not switched on
    one = exemplar_sets(material(1, ROWS[:1], sparse=0.5), LOST)
    assert [[row in ROWS for row in chosen] for chosen in one] == [[True, False, False, False]] * 4
    assert exemplar_sets(material(1, sparse=0.5), LOST) == plain
    assert exemplar_sets(material(1, ROWS), LOST) == plain
    assert exemplar_sets(material(1, ROWS, sparse=0.5), HOURS) == [[]]


def prompts(form: str, model: Path, count: int = 4) -> list[tuple[str, dict[str, str]]]:
    made = material(attributes=(TONE, LENGTH), exemplars=2, exemplar_sets=2)
    asks = make_method("prompted", form, model).asks(made, LOST, count)
    return [(ask.prompt, dict(ask.attributes)) for ask in asks]


def test_a_completion_names_attributes_after_the_exemplars(model: Path) -> None:
    for prompt, values in prompts("completion", model):
        assert values.keys() == {"tone", "length"}
        asked = f"lost card, in {values['tone']} words, length: one line:"
        assert re.sub(r"card \d", "card N", prompt).endswith(f"\n2. card N is gone\n\n{asked}\n3.")


def test_a_chat_names_attributes_after_the_exemplars(model: Path) -> None:
    for prompt, values in prompts("chat", model):
        assert values.keys() == {"tone", "length"}
        asked = f"Make this one: in {values['tone']} words; length: one line."
        last = "Answer with the new text alone, on one line, unlike the examples in wording.\n"
        assert re.sub(r"card \d", "card N", prompt).endswith(f"\n- card N is gone\n{asked}\n{last}[assistant] ")


def test_a_template_of_the_users_sees_attributes(model: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.j2").write_text("{{ label.name }}{% if attributes %}, {{ attributes.tone }}{% endif %}:")
    method = make_method("prompted", "completion", model, tmp_path / "mine.j2")
    assert method.asks(material(), LOST, 1)[0].prompt == "lost_card:"
    (ask,) = method.asks(material(attributes=(TONE,)), LOST, 1)
    assert ask.prompt == f"lost_card, in {ask.attributes['tone']} words:"


def test_attributes_are_in_the_plan_and_the_shared_part_fills_blocks(model: Path) -> None:
    made = material(attributes=(TONE,), exemplars=2, exemplar_sets=1)
    table = plan_wave(made, make_method("prompted", "completion", model), 0, {"lost_card": 6})
    assert Counter(values["tone"] for values in map_column(table, "attributes")) == {"angry": 3, "polite": 3}
    assert table["repetition"].to_pylist().count(0) == 2
    assert len(set(table["request_id"].to_pylist())) == 6
    (padding,) = set(table["padding"].to_pylist())
    first, second = sorted(set(table["prompt"].to_pylist()))
    begin = first[: first.index("angry")]
    assert second.startswith(begin)
    assert (padding + len(begin.split())) % BLOCK == 1
