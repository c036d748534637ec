"""What is trained beside a frozen LM, in general."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from training.branching import Document, Layout
from training.causal_lm import CausalLM

Rates = list[tuple[Iterable[nn.Parameter], float]]


class Adaptation(nn.Module, ABC):
    """Parameters that change what a frozen LM says under each label. Its own parameters are all that is trained."""

    @abstractmethod
    def rates(self) -> Rates:
        """The trained parameters in groups, with the peak learning rate of each."""

    @abstractmethod
    def save(self, folder: Path) -> Mapping[str, Path]:
        """Write the adapters into subfolders of `folder`, not yet sealed; the one of each label."""

    def groups(self, labels: Sequence[str]) -> list[list[str]]:
        """The labels, as far as they can be computed together."""
        return [list(labels)]

    def activate(self, label: str) -> None:
        """Make the LM the one of a label's group."""

    def soft_tokens(self, document: Document) -> int:
        """How many soft tokens stand before a document."""
        return 0

    def soft(self, documents: Sequence[Document]) -> Tensor | None:
        """The soft tokens of all the documents, one after the other, float32 [s, d]; None where there are none."""
        return None


def logprobs(lm: CausalLM, adaptation: Adaptation, documents: Sequence[Document]) -> Iterator[tuple[Layout, Tensor]]:
    """For each group of labels: the layout of its documents, and the logprobs of the layout's targets."""
    for group in adaptation.groups(list(dict.fromkeys(document.label for document in documents))):
        members = [
            replace(document, soft=adaptation.soft_tokens(document))
            for document in documents
            if document.label in group
        ]
        adaptation.activate(group[0])
        layout = lm.lay_out(members)
        yield layout, lm.logprobs(layout, adaptation.soft(members))


def spread(texts: Sequence[Sequence[int]], lm: CausalLM, tokens: int) -> Tensor:
    """Embeddings of each text's tokens, repeated to `tokens` of them, [texts, tokens, d]: where prompts begin."""
    ids = torch.tensor([[text[place % len(text)] for place in range(tokens)] for text in texts])
    return lm.embeddings(ids.to(lm.device)).detach().float()


def typical(vectors: Tensor) -> float:
    """The root mean square of the entries: embeddings are small, and steps must be as small."""
    return float(vectors.square().mean().sqrt())
