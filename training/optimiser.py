"""AdamW with linear warm-up and decay, as a function of the step so that nothing but the step is resumed."""

from __future__ import annotations

from torch import nn
from torch.optim import AdamW

WARMUP = 0.1
WEIGHT_DECAY = 0.01


def make_optimiser(model: nn.Module, is_sharded: bool = False) -> AdamW:
    """AdamW over what is trainable; biases and layer norms are not decayed. Set its rate with `set_rate`.

    Its fused form takes no mixture of what `is_sharded` with what is whole.
    """
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    groups = [
        {"params": [p for p in trainable if p.ndim >= 2], "weight_decay": WEIGHT_DECAY},
        {"params": [p for p in trainable if p.ndim < 2], "weight_decay": 0.0},
    ]
    return AdamW(groups, fused=not is_sharded, foreach=False if is_sharded else None)


def rate_factor(step: int, steps: int) -> float:
    """Share of the peak rate at `step` of `steps`: up to 1 over the first tenth, then linearly towards 0."""
    warmup = max(1, round(WARMUP * steps))
    return min((step + 1) / warmup, (steps - step) / max(1, steps - warmup))


def set_rate(optimiser: AdamW, rate: float) -> None:
    for group in optimiser.param_groups:
        group["lr"] = rate
