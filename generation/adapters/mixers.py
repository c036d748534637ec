"""How the soft prompts of several attribute values become one (Chen et al. 2023, "Mixture of soft prompts").

Every mixer takes the prompts [m, v, d] of m values and the embeddings [t, d] of the text that follows, and gives the
soft tokens to put before it: [m·v, d] of `Concat`, [v, d] of the others. Weights are a softmax over the *values*: taken
over the embedding axis, as in the paper's released code, they would add up to a plain sum and learn nothing.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from generation.adapters.mixture import MixerName

BOTTLENECK = 300  # the hidden layer's width in the paper
CHANNELS = 8


class Mixer(nn.Module, ABC):
    """A way to mix; `hidden` is the base model's width d."""

    def __init__(self, hidden: int) -> None:
        super().__init__()

    @abstractmethod
    def forward(self, prompts: Tensor, text: Tensor) -> Tensor:
        """Soft tokens from prompts [m, v, d] and a text's embeddings [t, d]."""


class Concat(Mixer):
    """One after the other."""

    def forward(self, prompts: Tensor, text: Tensor) -> Tensor:
        return prompts.flatten(0, 1)


class Pooling(Mixer):
    """The mean."""

    def forward(self, prompts: Tensor, text: Tensor) -> Tensor:
        return prompts.mean(0)


class Attention(Mixer):
    """A mean weighted by how well each prompt answers a query that is read off the text."""

    def __init__(self, hidden: int) -> None:
        super().__init__(hidden)
        self.query = _linear(hidden, hidden)

    def forward(self, prompts: Tensor, text: Tensor) -> Tensor:
        return torch.einsum("m,mvd->vd", self.weights(prompts, text), prompts)

    def weights(self, prompts: Tensor, text: Tensor) -> Tensor:
        """The share of each value, [m], from max-pooled prompts and text."""
        keys, pooled = prompts.amax(1), text.amax(0)
        query = self.query(_unit(pooled))
        return torch.softmax(_unit(keys) @ query / keys.shape[-1] ** 0.5, 0)


class Bottleneck(Attention):
    """The same with a query through a narrow network, as in ATTEMPT (Asai et al. 2022)."""

    def __init__(self, hidden: int) -> None:
        Mixer.__init__(self, hidden)
        self.query = nn.Sequential(_linear(hidden, BOTTLENECK), nn.SiLU(), _linear(BOTTLENECK, hidden))


class Convolution(Mixer):
    """Two 3x3 convolutions over the stacked prompts, added to their mean."""

    def __init__(self, hidden: int) -> None:
        super().__init__(hidden)
        inner = nn.Conv2d(1, CHANNELS, 3, padding=1)
        outer = nn.Conv2d(CHANNELS, 1, 3, padding=1)
        self.layers = nn.Sequential(inner, nn.SiLU(), outer)

    def forward(self, prompts: Tensor, text: Tensor) -> Tensor:
        stacked = prompts.flatten(0, 1)
        scale = stacked.square().mean().sqrt()
        changed = self.layers((stacked / scale)[None, None])[0, 0].view_as(prompts)
        return (prompts + scale * changed).mean(0)


MIXERS: dict[MixerName, type[Mixer]] = {
    "concat": Concat,
    "pooling": Pooling,
    "attention": Attention,
    "bottleneck": Bottleneck,
    "cnn": Convolution,
}


def _linear(width: int, out: int) -> nn.Linear:
    return nn.Linear(width, out, bias=False)


def _unit(vectors: Tensor) -> Tensor:
    """Rows of mean square 1: embeddings are small, and what is learnt from them should not be."""
    return vectors / vectors.square().mean(-1, keepdim=True).sqrt().clamp_min(1e-6)
