from __future__ import annotations

from collections import Counter

import pytest

from denoise.filters.prompt_leak import PromptLeak
from denoise.redact import redact, redact_examples, take_out
from generation.kinds import make_kind
from generation.task import CounterExample, Example, Label, Task
from tests.denoise.cases import TASK
from tests.denoise.filters.cases import reasons


@pytest.mark.parametrize(
    ("text", "clean", "counts"),
    [
        ("nothing here", "nothing here", {}),
        ("a@b.example and A@B.example", "<email> and <email>", {"email": 2}),
        ("a@b.example or c@d.example, a@b.example!", "<email> or <email_2>, <email>!", {"email": 3}),
        ("415-555-2671 or (415) 555-2671", "<phone> or <phone>", {"phone": 2}),
        ("a@b.example, 415-555-2671", "<email>, <phone>", {"email": 1, "phone": 1}),
    ],
)
def test_a_value_has_one_placeholder(text: str, clean: str, counts: dict[str, int]) -> None:
    assert redact(text) == (clean, Counter(counts))
    assert redact(clean) == (clean, Counter())  # a second time changes nothing


def test_ids_stay_and_counts_are_told() -> None:
    seeds = [Example("write to a@b.example", "x", 3), Example("hello", "y", 4)]
    labels = [Label(name="x", description="d", counter_examples=(CounterExample(text="no: c@d.example", label="y"),))]
    found, pool, guideline, counts = take_out(seeds, [Example("call 415-555-2671", None, 1)], labels)
    assert [(seed.text, seed.label, seed.line) for seed in found] == [("write to <email>", "x", 3), ("hello", "y", 4)]
    assert [seed.id for seed in found] == [seed.id for seed in seeds]
    assert found[1] == seeds[1]
    assert [row.text for row in pool] == ["call <phone>"]
    assert guideline[0].counter_examples[0].text == "no: <email>"
    assert counts == {"seeds": "1 email", "pool": "1 phone", "counter-examples": "1 email"}
    shown = make_kind("label", ["x", "y"]).shown(Task("t", "d", tuple(labels), found))
    assert [seed.id for seed in shown.seeds] == [seed.id for seed in seeds]


def test_tokens_of_one_value_become_one() -> None:
    tokens = ("call", "(415)", "555-2671,", "Ann")
    tagged = Example(" ".join(tokens), tokens=tokens, tags=("O", "B-phone", "I-phone", "B-name"))
    (found,), counts = redact_examples([tagged])
    assert (found.text, found.tokens) == ("call <phone>, Ann", ("call", "<phone>,", "Ann"))
    assert found.tags == ("O", "B-phone", "B-name")
    assert (found.id, counts) == (tagged.id, Counter(phone=1))


def test_placeholders_are_no_template_markers() -> None:
    texts = ["write to <email> or <phone_2>", "write to <user>"]
    assert reasons(PromptLeak.of(TASK), *texts) == [None, "leaks_prompt"]
