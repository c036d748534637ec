"""One example a prompt, said anew."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from generation.methods import make_method
from tests.generation.cases import HOURS, LOST, TASK
from tests.generation.methods.cases import KEPT, material


def test_completion(model: Path) -> None:
    (ask,) = make_method("paraphrase", "completion", model).asks(material(), HOURS, 1)
    assert ask.seed_ids == (TASK.seeds[3].id,)
    assert ask.prompt == (
        "Messages to a library.\n"
        "opening hours: asks for times\n\n"
        "Each of them is said twice: by one writer, and with the same meaning in quite different words by another.\n"
        "First: When do you close?\n"
        "Second:"
    )


def test_chat(model: Path) -> None:
    assert make_method("paraphrase", "chat", model).prompt(TASK, LOST, TASK.seeds[1:2]) == (
        "<s>[user] Messages to a library.\n"
        'This one has the label "lost card": the card is gone\n'
        "Rule: Not one that broke.\n"
        "Text: card gone\n"
        "Say the same in quite different words, as another person would. Answer with the new text alone, on one line.\n"
        "[assistant] "
    )


def test_seeds_and_kept_rows_take_turns_in_an_order_of_each_wave(model: Path) -> None:
    method = make_method("paraphrase", "completion", model)
    asks = method.asks(material(kept=KEPT), LOST, 6)
    names = [ask.seed_ids for ask in asks]
    assert sorted(names[:4]) == sorted((example.id,) for example in (*TASK.seeds[:3], KEPT[0]))
    assert names[4:] == names[:2]
    assert method.asks(material(kept=KEPT), LOST, 6) == asks
    assert [ask.seed_ids for ask in method.asks(material(kept=KEPT, wave=2), LOST, 6)] != names
    assert method.most_exemplars(material().settings) == 1


def test_nothing_comes_of_a_label_without_examples(model: Path) -> None:
    bare = material(replace(TASK, seeds=TASK.seeds[:3]))
    assert list(make_method("paraphrase", "chat", model).asks(bare, HOURS, 3)) == []
