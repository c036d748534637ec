"""Which rows make up a step, as a function of the step alone."""

from __future__ import annotations

from functools import lru_cache

import torch


def global_batch(step: int, size: int, rows: int, seed: int) -> list[int]:
    """Places of the `size` rows of a step, for any number of workers.

    Epochs are shuffled with seed + epoch and laid end to end, so a batch may cross into the next epoch and every
    batch is full: to resume one needs the step only.
    """
    places = range(step * size, (step + 1) * size)
    return [_epoch(place // rows, rows, seed)[place % rows] for place in places]


@lru_cache(maxsize=4)
def _epoch(epoch: int, rows: int, seed: int) -> list[int]:
    return torch.randperm(rows, generator=torch.Generator().manual_seed(seed + epoch)).tolist()
