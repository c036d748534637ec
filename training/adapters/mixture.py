"""The mixture of soft prompts in training (Chen et al. 2023): instruction, a prompt per attribute value, and mixer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from generation.adapters.mixing import Mixture
from generation.adapters.mixture import MixerName, MixtureShape, save_mixture, values_of
from training.adapters.adaptation import Adaptation, Rates, spread, typical
from training.adapters.lora import SHARED
from training.branching import Document
from training.causal_lm import CausalLM


class MixtureOfPrompts(Adaptation):
    """One adapter for all labels. Prompts begin as the embeddings of what they stand for.

    `descriptions` are the token ids that describe each value, `instruction` those of the instruction. `rate` is that of
    the prompts, in units of a typical entry of an embedding; `mixer_rate` that of the mixer's weights.
    """

    def __init__(
        self,
        lm: CausalLM,
        labels: Sequence[str],
        descriptions: Mapping[str, Sequence[int]],
        instruction: Sequence[int],
        mixer: MixerName,
        sizes: tuple[int, int],
        rates: tuple[float, float],
    ) -> None:
        super().__init__()
        self.labels, self._lm = list(labels), [lm]  # in a list: its parameters are not this module's
        self.rate, self.mixer_rate = rates
        shape = MixtureShape(mixer, tuple(descriptions), sizes[0], sizes[1], lm.hidden_size)
        self.mixture = Mixture(shape).to(lm.device)
        with torch.no_grad():
            self.mixture.instruction.copy_(spread([instruction], lm, shape.instruction)[0])
            self.mixture.prompts.copy_(spread(list(descriptions.values()), lm, shape.tokens))
        self.unit = typical(self.mixture.prompts.detach())

    def rates(self) -> Rates:
        prompts: list[nn.Parameter] = [self.mixture.instruction, self.mixture.prompts]
        return [(prompts, self.rate * self.unit), (list(self.mixture.mixer.parameters()), self.mixer_rate)]

    def soft_tokens(self, document: Document) -> int:
        return self.mixture.shape.soft_tokens(len(values_of(document.label, document.attributes)))

    def soft(self, documents: Sequence[Document]) -> Tensor:
        return torch.cat([self._soft(document) for document in documents])

    def _soft(self, document: Document) -> Tensor:
        """The query is read off the prompt alone: what is to be predicted is not known when an engine is asked."""
        lm = self._lm[0]
        text = lm.embeddings(torch.tensor(document.prompt, device=lm.device))
        return self.mixture(values_of(document.label, document.attributes), text)

    def save(self, folder: Path) -> Mapping[str, Path]:
        target = folder / SHARED
        target.mkdir(parents=True)
        save_mixture(target, self.mixture)
        return dict.fromkeys(self.labels, target)
