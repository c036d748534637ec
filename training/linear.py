"""Linear heads on features that stay as they are: any loss, in a second or two."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from training.losses import Loss, weighted_mean

_STEPS, _RATE, _DECAY = 100, 0.05, 0.01


def fit_linear(
    loss: Loss,
    features: Tensor,
    targets: Tensor,
    weights: Tensor,
    columns: int,
    choices: Callable[[Tensor], Tensor],
) -> tuple[Tensor, Tensor]:
    """Weight [columns, d] and bias [columns] of a head on `features` [u, d], by full-batch AdamW from zeros.

    `choices` makes logits [u, columns] those of choices [m, ways], to which `targets` (as of training/losses.py)
    and `weights` [m] belong. Few steps of a high rate on standardised features: early stopping, which losses for wrong
    labels rely on.
    """
    centre, scale = features.mean(dim=0), features.std(dim=0).clamp(min=1e-6)
    standard, places = (features - centre) / scale, torch.arange(len(targets), device=features.device)
    head = nn.Linear(features.shape[1], columns, device=features.device)
    nn.init.zeros_(head.weight)
    nn.init.zeros_(head.bias)
    optimiser = torch.optim.AdamW(head.parameters(), lr=_RATE, weight_decay=_DECAY)
    for _ in range(_STEPS):
        optimiser.zero_grad()
        weighted_mean(loss(choices(head(standard)), targets, places), weights).backward()
        optimiser.step()
    weight = head.weight.detach() / scale
    return weight, head.bias.detach() - weight @ centre
