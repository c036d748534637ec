"""Discriminative token weights: what tells a label from the others counts more (Meng et al. 2023, FewGen).

FewGen tunes a small network from d to a weight by a meta-step; this is its fixed form.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from training.adapters.curriculum import Curriculum
from training.branching import Document
from training.causal_lm import CausalLM


@torch.no_grad()  # a sharded model's parts that were put together in inference mode would not do for training
def token_weights(lm: CausalLM, curriculum: Curriculum, strength: float) -> list[Tensor]:
    """Weights of each lesson's tokens under the base model, float32, of mean 1 in every lesson.

    d of a token is the cross-entropy of the own label among all labels by the token's likelihood under each label's
    prompt; the weight is the softmax of -strength * d over the lesson's tokens.
    """
    labels, by_label = curriculum.job.labels, []
    lengths: list[int] = []
    for label in labels:
        values = _by_text(lm, curriculum.plain_documents(label))
        lengths = [len(values[lesson.number]) for lesson in curriculum.taught]
        by_label.append(torch.cat([values[lesson.number] for lesson in curriculum.taught]))
    own = torch.tensor(
        [labels.index(lesson.label) for lesson in curriculum.taught for _ in range(lengths[lesson.number])]
    )
    return discriminative_weights(torch.stack(by_label), own.to(lm.device), lengths, strength)


def _by_text(lm: CausalLM, documents: Sequence[Document]) -> dict[int, Tensor]:
    """The logprobs of each text's tokens."""
    found = dict[int, Tensor]()
    for document in documents:
        for _, layout in lm.batches(document.split()):
            values = lm.logprobs(layout)
            found |= {text: values[layout.texts == text] for text in layout.texts.unique().tolist()}
    return found


def discriminative_weights(by_label: Tensor, own: Tensor, lengths: Sequence[int], strength: float) -> list[Tensor]:
    """From token logprobs [labels, tokens] and each token's own label [tokens], texts laid end to end."""
    d = -by_label.log_softmax(0).gather(0, own[None])[0]
    return [len(part) * torch.softmax(-strength * part, 0) for part in d.split(list(lengths))]
