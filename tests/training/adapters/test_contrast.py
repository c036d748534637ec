"""Label contrast: measured by hand, and raised by its own loss."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.training.adapters.cases import alone, make_job, plain_lm
from tests.training.cases import LABELS
from training.adapters.adaptation import Adaptation, logprobs
from training.adapters.build import build_adaptation
from training.adapters.contrast import (
    SHOWN,
    TEMPERATURE,
    contrast_draw,
    contrast_loss,
    label_contrast,
    text_scores,
)
from training.adapters.curriculum import Curriculum


@torch.no_grad()
def test_it_is_the_cross_entropy_of_the_own_label(scribe: Path, tmp_path: Path) -> None:
    """Sums of whole texts' logprobs, each computed alone, after the soft prompt of the label."""
    job, lm = make_job(scribe, tmp_path, "soft_prompts", held_out=0.5), plain_lm(scribe)
    curriculum, adaptation = Curriculum(job), build_adaptation(job, lm)
    documents = curriculum.held_documents()
    scores = torch.tensor(
        [
            [
                float(alone(lm, document.prompt, document.branches[number].tokens, soft).sum())
                for document, soft in zip(documents, adaptation.prompts(), strict=True)
            ]
            for number in range(len(curriculum.held))
        ]
    )
    found = text_scores(lm, adaptation, documents, len(curriculum.held), LABELS)
    torch.testing.assert_close(found, scores, atol=1e-3, rtol=1e-4)
    own = [LABELS.index(each.label) for each in curriculum.held]
    losses = [float(-row.log_softmax(0)[place]) for row, place in zip(scores, own, strict=True)]
    accuracy, loss, error = label_contrast(lm, adaptation, curriculum)
    assert accuracy == pytest.approx(
        sum(int(row.argmax()) == place for row, place in zip(scores, own, strict=True)) / 6
    )
    assert loss == pytest.approx(sum(losses) / 6, rel=1e-3)
    assert error == pytest.approx(float(torch.tensor(losses).std()) / 6**0.5, rel=1e-3)


@pytest.mark.parametrize("method", ["control_codes", "lora", "soft_prompts", "mixture"])
@torch.no_grad()
def test_each_text_is_set_against_others_as_if_alone(scribe: Path, tmp_path: Path, method: str) -> None:
    job, lm = make_job(scribe, tmp_path, method), plain_lm(scribe)
    curriculum, adaptation = Curriculum(job), build_adaptation(job, lm)
    lessons, among = contrast_draw(curriculum, random.Random(5))
    assert len(lessons) == SHOWN and set(among) == set(LABELS)
    wanted = []
    for lesson in lessons:
        scores = [
            sum(
                float(found.sum())
                for each in curriculum.under_each_label(lessons, [label])
                for branch in each.branches
                for _, found in logprobs(lm, adaptation, [replace(each, branches=[branch])])
                if branch.targets[0].text == lesson.number
            )
            for label in among
        ]
        wanted.append(-float((torch.tensor(scores) / TEMPERATURE).log_softmax(0)[among.index(lesson.label)]))
    with torch.enable_grad():
        found = contrast_loss(lm, adaptation, curriculum, random.Random(5), 0.5)
    assert found == pytest.approx(0.5 * sum(wanted) / SHOWN, rel=1e-3)


@pytest.mark.parametrize("method", ["control_codes", "lora", "soft_prompts", "mixture"])
def test_a_step_down_its_gradient_lowers_it(scribe: Path, tmp_path: Path, method: str) -> None:
    job, lm = make_job(scribe, tmp_path, method), plain_lm(scribe)
    curriculum, adaptation = Curriculum(job), build_adaptation(job, lm)

    def loss(adapted: Adaptation) -> float:
        adapted.zero_grad()
        return contrast_loss(lm, adapted, curriculum, random.Random(4), 1.0)

    before = loss(adaptation)
    gradients = [(value, value.grad) for value in adaptation.parameters() if value.grad is not None]
    assert gradients
    square = sum(float(gradient.square().sum()) for _, gradient in gradients)
    with torch.no_grad():
        for value, gradient in gradients:
            value -= 0.01 * before / square * gradient
    assert loss(adaptation) == pytest.approx(0.99 * before, rel=5e-3)
