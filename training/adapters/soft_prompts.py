"""Soft prompts, one for each label: prompt tuning (Lester et al. 2021), plain or through prefix-tuning's network.

Prefix-tuning (Li & Liang 2021) trains its vectors through a small network, which is dropped after training. vLLM has no
way in for keys and values per layer, so that here the network's outputs are input vectors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from generation.adapters.soft_prompt import save_soft_prompt
from training.adapters.adaptation import Adaptation, Rates, spread, typical
from training.branching import Document
from training.causal_lm import CausalLM

WIDTH = 512  # of the network's hidden layer, as in the paper


class SoftPrompts(Adaptation):
    """`tokens` vectors a label, which begin as the embeddings of the label's description.

    `rate` is that of the vectors, in units of a typical entry of an embedding; `network_rate` that of the network.
    """

    def __init__(
        self,
        lm: CausalLM,
        descriptions: Mapping[str, Sequence[int]],
        tokens: int,
        rate: float,
        network_rate: float | None = None,
    ) -> None:
        super().__init__()
        self.labels, self.tokens, self.rate, self.network_rate = list(descriptions), tokens, rate, network_rate
        start = spread(list(descriptions.values()), lm, tokens)
        self.unit = typical(start)
        self.vectors = nn.Parameter(start)
        self.network = _network(lm.hidden_size).to(lm.device) if network_rate else None

    def rates(self) -> Rates:
        groups: Rates = [([self.vectors], self.rate * self.unit)]
        return groups if self.network is None else [*groups, (self.network.parameters(), self.network_rate or 0.0)]

    def prompts(self) -> Tensor:
        """The soft prompts as they are now, float32 [labels, tokens, d]."""
        if self.network is None:
            return self.vectors
        return self.vectors + self.unit * self.network(self.vectors / self.unit)

    def soft_tokens(self, document: Document) -> int:
        return self.tokens

    def soft(self, documents: Sequence[Document]) -> Tensor:
        places = torch.tensor([self.labels.index(document.label) for document in documents])
        return self.prompts()[places.to(self.vectors.device)].flatten(0, 1)

    @torch.no_grad()
    def save(self, folder: Path) -> Mapping[str, Path]:
        """The network is folded in: what is written are plain input vectors."""
        folders = {label: folder / f"{place:03d}" for place, label in enumerate(self.labels)}
        for target, prompt in zip(folders.values(), self.prompts(), strict=True):
            target.mkdir(parents=True)
            save_soft_prompt(target, prompt)
        return folders


def _network(hidden: int) -> nn.Sequential:
    """Begins as a map to zero, so that training starts at the description."""
    network = nn.Sequential(nn.Linear(hidden, WIDTH), nn.Tanh(), nn.Linear(WIDTH, hidden))
    nn.init.zeros_(network[2].weight)
    nn.init.zeros_(network[2].bias)
    return network
