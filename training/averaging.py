"""A running mean of weights (Polyak & Juditsky 1992), which forgets exponentially."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor


class Averaged:
    """`weights` are the mean so far, by name; empty when `decay`, the weight of the past, is 0."""

    def __init__(self, decay: float) -> None:
        self.decay = decay
        self.weights: dict[str, Tensor] = {}

    @torch.no_grad()
    def update(self, weights: Mapping[str, Tensor], step: int) -> None:
        """Take in the weights after a step, counted from 0; a young mean forgets faster: its start was not learnt."""
        if not self.decay:
            return
        past = min(self.decay, (1 + step) / (10 + step))
        for name, value in weights.items():
            self.weights.setdefault(name, value.detach().clone()).lerp_(value, 1 - past)
