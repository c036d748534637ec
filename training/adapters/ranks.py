"""What the ranks of a worker group share out: the base model, the documents of a step, and the gradients."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import torch
import torch.distributed as dist
from torch import nn

from generation.adapters.weights import model_shapes
from training.adapters.adaptation import Adaptation
from training.adapters.settings import AdapterSettings
from training.branching import Document
from training.device import dtype_of, memory_of
from training.sharding import is_too_large


def wants_shards(settings: AdapterSettings, model_folder: Path, device: torch.device) -> bool:
    """Whether this rank would have the base model cut up among all."""
    if settings.shard != "auto" or settings.four_bit:
        return settings.shard == "always"
    parameters = sum(math.prod(shape) for shape in model_shapes(model_folder).values())
    return is_too_large(parameters, dtype_of(device), memory_of(device))


def shares(
    adaptation: Adaptation, documents: Sequence[Document], rank: int, world: int, in_step: bool
) -> Iterator[tuple[list[Document], float]]:
    """A rank's documents of each group, with 1.

    Ranks that share a model go `in_step`: one without documents of a group computes another's, with 0.
    """
    for group in adaptation.groups(list(dict.fromkeys(document.label for document in documents))):
        members = [document for document in documents if document.label in group]
        if mine := members[rank::world]:
            yield mine, 1.0
        elif in_step:
            yield members[:1], 0.0


def add_up(parameters: Iterable[nn.Parameter], loss: float, device: torch.device) -> float:
    """Sum the gradients of all ranks in place, and return the sum of their losses.

    What none has a gradient of stays without, so that no momentum moves it.
    """
    trained = list(parameters)
    told = torch.tensor([*(float(each.grad is not None) for each in trained), loss], device=device)
    dist.all_reduce(told)
    *present, loss = told.tolist()
    for parameter, found in zip(trained, present, strict=True):
        if found:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
            dist.all_reduce(parameter.grad)
    return loss
