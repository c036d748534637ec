"""What is learnt is what an engine is asked, token for token."""

from __future__ import annotations

from pathlib import Path

import pytest

from generation.methods import make_method
from generation.task import Example
from generation.tokens import encode_spans
from tests.training.adapters.cases import TASK
from tests.training.cases import SEEDS
from training.adapters.lessons import Lesson, Lessons
from training.branching import Document

SONGS = [Lesson(text, "music", number) for number, (text, _) in enumerate(SEEDS)]  # of all topics: there are twelve


def lessons(scribe: Path, exemplars: int, form: str = "completion", template: Path | None = None) -> Lessons:
    return Lessons(TASK, make_method("lora", form, scribe, template), scribe, exemplars)


def asked(made: Lessons, exemplars: list[Lesson]) -> list[int]:
    """The tokens of the prompt with these exemplars, as an engine encodes it."""
    shown = [Example(each.text, each.label) for each in exemplars]
    prompt = made.method.prompt(TASK, TASK.label("music"), shown)
    return encode_spans(made.model_folder, [prompt], made.method.form.adds_special_tokens)[0][0]


def answered(made: Lessons, lesson: Lesson) -> list[int]:
    return encode_spans(made.model_folder, [made.method.form.answer(lesson.text)], False)[0][0]


def taught(document: Document) -> list[tuple[int, list[int], list[int]]]:
    """Each target's text, the tokens before it, and its own."""
    return [
        (target.text, [*document.prompt, *branch.tokens[: target.start]], [*branch.tokens[target.start : target.stop]])
        for branch in document.branches
        for target in branch.targets
    ]


def test_before_each_lesson_of_a_chain_stands_its_prompt(scribe: Path) -> None:
    made, part = lessons(scribe, 3), SONGS[:4]
    (document,) = made.chains(part)
    assert taught(document) == [
        (each.number, asked(made, part[:place]), answered(made, each)) for place, each in enumerate(part)
    ]
    assert len(document.branches) == 1 and document.label == "music"


def test_more_lessons_than_a_prompt_has_room_for(scribe: Path) -> None:
    """Chains of exemplars + 1; the last is what is left. The numbers of a list may have two digits."""
    made = lessons(scribe, 10)
    long, short = made.chains(SONGS)
    wanted = [(each, SONGS[:place]) for place, each in enumerate(SONGS[:11])] + [(SONGS[11], [])]
    assert taught(long) + taught(short) == [
        (each.number, asked(made, before), answered(made, each)) for each, before in wanted
    ]


def test_without_exemplars_each_lesson_is_alone(scribe: Path) -> None:
    made = lessons(scribe, 0)
    assert [taught(document) for document in made.chains(SONGS[:3])] == [
        [(each.number, asked(made, []), answered(made, each))] for each in SONGS[:3]
    ]


def test_in_a_chat_each_lesson_is_a_document_with_those_before_it(scribe: Path) -> None:
    made = lessons(scribe, 2, "chat")
    documents = made.chains(SONGS[:4])
    shown = [[], SONGS[:1], SONGS[:2], []]
    assert [taught(document) for document in documents] == [
        [(each.number, asked(made, before), answered(made, each))]
        for each, before in zip(SONGS[:4], shown, strict=True)
    ]
    assert made.method.form.answer("a song").endswith("</s>")


def test_a_prompt_that_ends_in_a_space_keeps_it(scribe: Path) -> None:
    """A tokenizer would make one token of the space and the word after it; an engine cannot."""
    made = lessons(scribe, 2, "chat")
    document = made.scored("music", [], ["will it rain"], [0])
    assert made.method.prompt(TASK, TASK.label("music"), []).endswith(" ")
    assert taught(document) == [(0, asked(made, []), answered(made, Lesson("will it rain", "music", 0)))]


def test_a_token_over_the_end_of_an_answer_breaks_the_chain(scribe: Path, tmp_path: Path) -> None:
    """Two line breaks are one token here, of which an engine's answer is half."""
    template = tmp_path / "template"
    template.write_text("{% for each in exemplars %} say {{ each.text }}\n\n{% endfor %} say")
    assert len(encode_spans(scribe, ["\n\n say"], False)[0][0]) == len(encode_spans(scribe, ["\n say"], False)[0][0])
    made = lessons(scribe, 2, template=template)
    assert [taught(document) for document in made.chains(SONGS[:3])] == [
        [(each.number, asked(made, SONGS[:place]), answered(made, each))] for place, each in enumerate(SONGS[:3])
    ]


def test_a_template_that_does_not_end_in_its_list_is_not_chained(scribe: Path, tmp_path: Path) -> None:
    template = tmp_path / "template"
    template.write_text("{{ exemplars | length }} shown:{% for each in exemplars %} {{ each.text }};{% endfor %} next:")
    made = lessons(scribe, 2, template=template)
    documents = made.chains(SONGS[:3])
    assert [taught(document)[0][1] for document in documents] == [asked(made, SONGS[:place]) for place in range(3)]


def test_texts_are_scored_after_one_prompt(scribe: Path) -> None:
    made = lessons(scribe, 2)
    document = made.scored("music", SONGS[:2], [each.text for each in SONGS[2:5]], [7, 8, 9])
    assert taught(document) == [
        (number, asked(made, SONGS[:2]), answered(made, each))
        for number, each in zip((7, 8, 9), SONGS[2:5], strict=True)
    ]


@pytest.mark.parametrize("text", ["naïve café ☔", "two\n lines", "1. a list"])
def test_texts_that_are_hard_to_encode(scribe: Path, text: str) -> None:
    """Characters of several tokens, line breaks and what looks like the list itself."""
    made, part = lessons(scribe, 2), [Lesson(text, "music", 0), Lesson("plain", "music", 1), Lesson(text, "music", 2)]
    (document,) = made.chains(part)
    assert taught(document) == [
        (each.number, asked(made, part[:place]), answered(made, each)) for place, each in enumerate(part)
    ]


def test_in_forks_all_answers_share_one_whole_prompt(scribe: Path) -> None:
    made = lessons(scribe, 3)
    (document,) = made.forks(SONGS[:5], 2)
    assert document.prompt == asked(made, SONGS[:2])
    assert taught(document) == [(each.number, asked(made, SONGS[:2]), answered(made, each)) for each in SONGS[2:5]]
    (bare,) = made.forks(SONGS[:1], 0)
    assert taught(bare) == [(0, asked(made, []), answered(made, SONGS[0]))]
