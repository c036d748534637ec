"""Which seeds a prompt shows, and where attributes stand in it."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from generation.adapters.folder import Adapter
from generation.attribute import Attribute
from generation.borrowing import LONGEST, borrowed, longest_borrowed
from generation.material import Material
from generation.methods import make_method
from generation.methods.base import Ask
from generation.methods.prompted import exemplar_sets
from generation.plan import plan_wave
from generation.records import digest, map_column
from generation.settings import GenerationSettings
from generation.task import Example, Label
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


def beside(form: str, model: Path, label: Label = HOURS, **settings: int) -> list[Ask]:
    """What is asked of a label of one seed, where another has ten and a third has two."""
    lost, hours = TASK.labels
    loans = Label(name="loans", description="asks  how\nlong.")
    few = (Example("When do you\nclose?", "opening_hours"), Example("how long", "loans"), Example("till when", "loans"))
    task = replace(TASK, labels=(lost, hours, loans), seeds=(*TEN, *few))
    made = GenerationSettings.model_validate({"exemplars": 4, "exemplar_sets": 2, **settings})
    return list(make_method("prompted", form, model).asks(Material(task, made, "run"), label, 2))


def test_a_label_of_few_seeds_is_asked_for_beside_others(model: Path) -> None:
    (ask, again) = beside("completion", model)
    lines = re.sub(r"card \d", "card N", ask.prompt).split("\n")
    assert lines[:2] == ["Messages to a library.", ""]
    assert sorted(lines[2:4]) in (
        ["asks how long: how long", "the card is gone: card N is gone"],
        ["asks how long: till when", "the card is gone: card N is gone"],
    )  # one of each, as many as there are of its own
    assert lines[4:] == ["asks for times: When do you close?", "asks for times:"]
    assert len(ask.seed_ids) == 3 and ask.seed_ids[-1] == Example("When do you\nclose?", "opening_hours").id
    assert again.prompt.endswith("\n".join(["", *lines[4:]])) and again.prompt != ask.prompt  # one seed, other others


def test_so_many_seeds_are_borrowed(model: Path) -> None:
    for most, shown in ((1, 2), (2, 3), (9, 3)):  # two other labels, one seed of each
        asks = beside("completion", model, exemplar_sets=6, borrowed=most)
        assert [len(ask.seed_ids) for ask in asks] == [shown] * 2


def test_others_fill_what_is_missing_of_the_exemplars(model: Path) -> None:
    loans = Label(name="loans", description="asks how long")
    for ask in beside("completion", model, loans):
        names = [line.split(":")[0] for line in ask.prompt.split("\n")[2:]]
        assert sorted(names[:2]) == ["asks for times", "the card is gone"] and names[2:] == ["asks how long"] * 3
    assert len({ask.prompt for ask in beside("completion", model, loans)}) == 2


def test_where_nothing_is_borrowed(model: Path, tmp_path: Path) -> None:
    listed = "Messages to a library.\nopening hours: asks for times\n\n1. When do you close?\n2."
    for settings in ({"borrow_below": 0}, {"borrow_below": 1}, {"exemplars": 1}):
        assert {ask.prompt for ask in beside("completion", model, **settings)} == {listed}
    assert {len(ask.seed_ids) for ask in beside("completion", model, LOST)} == {4}
    assert {len(ask.seed_ids) for ask in beside("chat", model)} == {1}
    few = Material(TASK, GenerationSettings(), "run")
    adapted = replace(few, adapters={"opening_hours": Adapter("hash", "a", "lora", rank=8)})
    assert make_method("prompted", "completion", model).asks(adapted, HOURS, 1)[0].prompt == listed
    assert make_method("lora", "completion", model).asks(few, HOURS, 1)[0].prompt == listed
    # one that has the word and not the seeds
    (tmp_path / "mine.j2").write_text("{{ exemplars[-1].text }}, unlike the others:")
    assert make_method("prompted", "completion", model, tmp_path / "mine.j2").asks(few, HOURS, 1)[0].seed_ids == (
        TASK.seeds[3].id,
    )


def test_the_longest_prompt_shows_the_longest_of_others(model: Path) -> None:
    method = make_method("prompted", "completion", model)
    made = Material(TASK, GenerationSettings(exemplars=2), "run")
    assert method.longest(made, HOURS) == (
        "Messages to a library.\n\nthe card is gone: I left my card on the bus\n"
        "asks for times: When do you close?\nasks for times:"
    )
    assert {len(ask.prompt) <= len(method.longest(made, HOURS)) for ask in method.asks(made, HOURS, 4)} == {True}


def test_attributes_stand_behind_what_the_label_is_where_others_are_shown(model: Path) -> None:
    made = Material(replace(TASK, attributes=(TONE,)), GenerationSettings(), "run")
    (ask,) = make_method("prompted", "completion", model).asks(made, HOURS, 1)
    assert ask.prompt.endswith(f"\nasks for times, in {ask.attributes['tone']} words:")


def test_what_is_borrowed_is_short(model: Path) -> None:
    """No context is too short for it: what is too long is passed over."""
    made = Material(replace(TASK, seeds=(*TASK.seeds, Example("w " * 700, "lost_card"))), GenerationSettings(), "run")
    own = TASK.seeds[3:]
    for others in (*(borrowed(made, HOURS, place, own) for place in range(9)), longest_borrowed(made, HOURS, own)):
        assert len(others) <= 4 and sum(other.length for other in others) <= LONGEST
    longer = replace(made, task=replace(made.task, seeds=(*own, Example("w" * LONGEST, "lost_card"))))
    assert borrowed(longer, HOURS, 0, own) == longest_borrowed(longer, HOURS, own) == []
    assert make_method("prompted", "completion", model).asks(longer, HOURS, 1)[0].prompt.endswith("\n2.")
