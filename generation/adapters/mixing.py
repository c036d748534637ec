"""The mixture as a module: from values and a text's embeddings to soft tokens."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from generation.adapters.mixers import MIXERS
from generation.adapters.mixture import MixtureShape


class Mixture(nn.Module):
    """`instruction` [i, d] stands before what the mixer makes of the `prompts` [values, v, d]."""

    def __init__(self, shape: MixtureShape) -> None:
        super().__init__()
        self.shape = shape
        self.instruction = nn.Parameter(torch.zeros(shape.instruction, shape.hidden))
        self.prompts = nn.Parameter(torch.zeros(len(shape.values), shape.tokens, shape.hidden))
        self.mixer = MIXERS[shape.mixer](shape.hidden)

    def forward(self, values: Sequence[str], text: Tensor) -> Tensor:
        """Soft tokens, float32 [shape.soft_tokens(len(values)), d]; `text` are a prompt's embeddings [t, d].

        Raises ValueError for a value without a prompt.
        """
        if unknown := [value for value in values if value not in self.shape.values]:
            raise ValueError(f"the mixture has no prompt for {unknown[0]!r}")
        places = torch.tensor([self.shape.values.index(value) for value in values], device=self.prompts.device)
        mixed = self.mixer(self.prompts[places], text.float())
        return torch.cat([self.instruction, mixed])
