"""What each step holds, and what the held-out seeds are scored with."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import ValidationError

from generation.task import Example
from tests.training.adapters.cases import TASK, make_job
from tests.training.cases import LABELS, SEEDS
from training.adapters.curriculum import STEP_TOKENS, Curriculum
from training.adapters.settings import AdapterSettings

MANY = tuple(Example(f"{text} number {number}", label) for number in range(12) for text, label in SEEDS)


def texts_of(curriculum: Curriculum, step: int) -> list[int]:
    return [
        target.text
        for document in curriculum.documents(step)
        for branch in document.branches
        for target in branch.targets
    ]


def test_held_out_seeds_are_not_among_the_lessons(scribe: Path, tmp_path: Path) -> None:
    """Nor do they come back as accepted rows; which they are does not depend on the file's order."""
    job = make_job(scribe, tmp_path, held_out=0.25)
    curriculum = Curriculum(job)
    held = {each.text for each in curriculum.held}
    assert Counter(each.label for each in curriculum.held) == dict.fromkeys(LABELS, 1)
    assert held | {each.text for each in curriculum.taught} == {text for text, _ in SEEDS}
    assert not held & {each.text for each in curriculum.taught}
    again = (*(replace(each, line=99) for each in TASK.seeds), Example("a new song", "music"))
    more = Curriculum(replace(job, rows=again))
    assert [each.text for each in more.taught] == [*(each.text for each in curriculum.taught), "a new song"]
    turned = Curriculum(replace(job, task=replace(TASK, seeds=TASK.seeds[::-1])))
    assert {each.text for each in turned.held} == held


def test_of_three_seeds_none_is_held_out(scribe: Path, tmp_path: Path) -> None:
    job = make_job(scribe, tmp_path, held_out=0.9, task=replace(TASK, seeds=TASK.seeds[1:]))
    assert {label: len(held) for label, held in job.held_out().items()} == {"weather": 0, "music": 3, "food": 3}
    with pytest.raises(ValidationError, match="less than 1"):
        AdapterSettings(held_out=1.0)


@pytest.mark.parametrize("form", ["completion", "chat"])
def test_every_lesson_is_learnt_once_an_epoch(scribe: Path, tmp_path: Path, form: str) -> None:
    job = make_job(scribe, tmp_path, form=form, task=replace(TASK, seeds=MANY), exemplars=3, epochs=6)
    curriculum = Curriculum(job)
    steps = curriculum.steps // 6
    assert steps > 1
    for epoch in range(6):
        batches = [texts_of(curriculum, epoch * steps + step) for step in range(steps)]
        assert sorted(text for batch in batches for text in batch) == list(range(len(MANY)))
        lengths = [sum(map(len, curriculum.documents(epoch * steps + step))) for step in range(steps)]
        assert max(lengths) < 1.25 * STEP_TOKENS


def test_steps_are_a_function_of_the_step_alone(scribe: Path, tmp_path: Path) -> None:
    job = make_job(scribe, tmp_path)
    one, other = Curriculum(job), Curriculum(job)
    forwards = [one.documents(step) for step in range(one.steps)]
    backwards = [other.documents(step) for step in reversed(range(one.steps))]
    assert forwards == backwards[::-1]
    assert forwards[0] != forwards[1]


def test_held_out_texts_under_each_label(scribe: Path, tmp_path: Path) -> None:
    """Each label shows lessons of its own, as many as a request has, and never the text that is scored."""
    curriculum = Curriculum(make_job(scribe, tmp_path, held_out=0.25))
    documents = curriculum.held_documents()
    assert [document.label for document in documents] == list(LABELS)
    answers = [[branch.tokens for branch in document.branches] for document in documents]
    assert answers[0] == answers[1] == answers[2] and len(answers[0]) == 3
    own = curriculum.of("music")[0]
    shown = curriculum.under_each_label([own], ["music"])[0]
    others = curriculum.under_each_label([own._replace(text="something else")], ["music"])[0]
    assert shown.prompt != others.prompt


def test_an_epoch_of_a_mixture_shows_some_lessons_and_teaches_the_others(scribe: Path, tmp_path: Path) -> None:
    job = make_job(scribe, tmp_path, "mixture", epochs=12, exemplars=2, held_out=0.0)
    curriculum = Curriculum(job)
    taught = [Counter(texts_of(curriculum, step)) for step in range(curriculum.steps)]
    assert all(set(epoch.values()) == {1} for epoch in taught)
    shown = {len(SEEDS) - len(epoch) for epoch in taught}
    assert len(shown) > 1 and max(shown) <= 2 * len(LABELS)
    assert set().union(*taught) == set(range(len(SEEDS)))
