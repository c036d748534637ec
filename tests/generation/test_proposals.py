"""What an LM is asked for attributes, and what is kept of its answers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from generation.forms import FORMS
from generation.material import Material
from generation.proposals import SHOWN_CHARACTERS, TOPICS, Proposal, Proposing, merge_answers, read_answer
from generation.settings import GenerationSettings
from tests.generation.cases import LOST, TASK

MATERIAL = Material(TASK, GenerationSettings(), "run")


def asked(form: str, model: Path, count: int) -> list[tuple[str, str]]:
    """Prompts with their topics."""
    method = Proposing(FORMS[form](model), Proposing.templates[form])
    return [(ask.prompt, ask.attributes["topic"]) for ask in method.asks(MATERIAL, LOST, count)]


def test_questions_take_topics_in_turn(model: Path) -> None:
    assert [topic for _, topic in asked("completion", model, 8)] == [*TOPICS, *TOPICS[:2]]
    assert len({prompt for prompt, _ in asked("completion", model, 12)}) > len(TOPICS)


def test_a_completion_goes_on_with_a_line_of_a_list(model: Path) -> None:
    prompts = [prompt for prompt, _ in asked("completion", model, 6)]
    about = '\n\nMessages to a library.\n"I left my card on the bus"\n"When do you close?"\n'
    assert prompts[0].endswith(about + "- tone:")
    assert prompts[5].endswith('"my card is lost"\n"When do you close?"\n-')


def test_a_chat_asks_for_one_line(model: Path) -> None:
    prompts = [prompt for prompt, _ in asked("chat", model, 6)]
    assert "Messages to a library. Some of them:\n- I left my card on the bus\n- When do you close?\nName" in prompts[0]
    assert "whatever they are about, to do with the tone. Give it" in prompts[0]
    assert "whatever they are about. Give it" in prompts[5]


def test_seeds_are_cut_short(model: Path) -> None:
    long = replace(TASK, seeds=(replace(TASK.seeds[0], text="brick " * 999),))
    method = Proposing(FORMS["completion"](model), Proposing.templates["completion"])
    (ask,) = method.asks(replace(MATERIAL, task=long), LOST, 1)
    assert ask.prompt.count("brick") == SHOWN_CHARACTERS // 6


@pytest.mark.parametrize(
    ("text", "topic", "expected"),
    [
        ("polite, angry, and  very dry.", "tone", ("tone", ["polite", "angry", "very dry"])),
        ("**Mood**: glad; sad / (angry) | etc.", "", ("mood", ["glad", "sad", "angry"])),
        ('- Writer\'s age: "a child", 14, or a pensioner', "tone", ("writer's age", ["a child", "a pensioner"])),
        ("polite, angry", "", ("", [])),
        ("I think that there are many ways: a, b", "", ("", [])),
        ("a value that is much too long for one", "tone", ("", [])),
        ("", "tone", ("", [])),
    ],
)
def test_answers_are_read_leniently(text: str, topic: str, expected: tuple[str, list[str]]) -> None:
    assert read_answer(text, topic) == expected


def test_answers_are_counted_and_merged() -> None:
    answers = [
        ("polite, angry, angry", "tone"),
        ("Tone: Angry, dry", ""),
        ("dry, ANGRY", "tone"),
        ("persona: a child, a judge", ""),
        ("length: short", ""),  # one value is no dimension
        ("nothing of use", ""),
    ]
    assert merge_answers(answers) == [
        Proposal("tone", ("angry", "dry", "polite"), (3, 2, 1)),
        Proposal("writer", ("a child", "a judge"), (1, 1)),
    ]
    assert merge_answers(answers[::-1])[0].counts == (3, 2, 1)
    assert merge_answers([]) == []


def test_the_most_named_are_taken() -> None:
    answers = [(", ".join("abcdefghi"[: 9 - place]), name) for name in "stuvwxyz" for place in range(9)]
    proposals = merge_answers(answers)
    assert [each.name for each in proposals] == list("stuvwx")
    assert proposals[0] == Proposal("s", tuple("abcdef"), (9, 8, 7, 6, 5, 4))
