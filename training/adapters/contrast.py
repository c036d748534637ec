"""Label contrast: how much likelier a text is under its own label than under the others."""

from __future__ import annotations

import random
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from training.adapters.adaptation import Adaptation, logprobs
from training.adapters.curriculum import Curriculum
from training.adapters.lessons import Lesson
from training.branching import Document
from training.causal_lm import CausalLM, per_text

SHOWN, AMONG = 4, 4  # texts of a contrastive step, and the labels that they are looked at under
TEMPERATURE = 5.0  # nats: a whole text's likelihood tells labels apart too sharply to learn much from


@torch.no_grad()
def label_contrast(lm: CausalLM, adaptation: Adaptation, curriculum: Curriculum) -> tuple[float, float, float]:
    """Of the held-out texts: the share likeliest under its own label, the cross-entropy of that label among all, and
    that one's standard error."""
    labels = curriculum.job.labels
    scores = text_scores(lm, adaptation, curriculum.held_documents(), len(curriculum.held), labels)
    own = torch.tensor([labels.index(each.label) for each in curriculum.held])
    losses = -scores.log_softmax(1)[torch.arange(len(own)), own]
    error = float(losses.std() / len(losses) ** 0.5) if len(losses) > 1 else 0.0
    return float((scores.argmax(1) == own).float().mean()), float(losses.mean()), error


@torch.no_grad()
def text_scores(
    lm: CausalLM, adaptation: Adaptation, documents: Sequence[Document], texts: int, labels: Sequence[str]
) -> Tensor:
    """Log-likelihood of each text as an answer to each label's prompt, float32 [texts, labels], on the CPU."""
    scores = torch.zeros(texts, len(labels))
    for document in documents:
        for part in document.split():
            for layout, found in logprobs(lm, adaptation, [part]):
                scores[:, labels.index(document.label)] += per_text(found, layout, texts)[0].cpu()
    return scores


def contrast_loss(
    lm: CausalLM, adaptation: Adaptation, curriculum: Curriculum, draw: random.Random, weight: float
) -> float:
    """Adds the gradients of `weight` times the mean cross-entropy of the own labels of SHOWN lessons, and returns it.

    All of them are looked at under the same labels, so that a label's prompt is computed once: prompts are what it
    costs.
    """
    lessons, among = contrast_draw(curriculum, draw)
    documents = [
        document
        for place, label in enumerate(among)
        for document in curriculum.under_each_label(
            [lesson._replace(number=place * len(lessons) + number) for number, lesson in enumerate(lessons)], [label]
        )
    ]
    pairs = len(among) * len(lessons)
    found = [per_text(values, layout, pairs)[0] for layout, values in logprobs(lm, adaptation, documents)]
    scores = torch.stack(found).sum(0).view(len(among), len(lessons)).T / TEMPERATURE
    own = torch.tensor([among.index(lesson.label) for lesson in lessons], device=scores.device)
    loss = weight * cross_entropy(scores, own)
    loss.backward()
    return loss.item()


def contrast_draw(curriculum: Curriculum, draw: random.Random) -> tuple[list[Lesson], list[str]]:
    """Lessons, and the labels that they are looked at under: their own, and others up to AMONG."""
    lessons = draw.sample(curriculum.taught, min(SHOWN, len(curriculum.taught)))
    own = list(dict.fromkeys(lesson.label for lesson in lessons))
    others = [label for label in curriculum.job.labels if label not in own]
    return lessons, own + draw.sample(others, min(max(AMONG - len(own), 0), len(others)))
