"""A model cut up among the workers that train it, or beside it: torch's `fully_shard` (FSDP2, Zhao et al. 2023).

Each worker keeps a part of every layer; a layer is put together while it computes, forward or backward, and
then let go again. Embeddings and what lies behind the layers stay whole on every worker. Adapters, which come
afterwards, are not shared out. Workers must compute the model equally often, since each waits for the others' parts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor
from transformers import PreTrainedModel

from generation.errors import Fault

ROOMY = 1 / 3  # of a device's memory: a model that takes more leaves too little for what is computed with it
TRAINED = 4  # numbers of float32 for each that is trained: itself, its gradient and two moments


def is_too_large(parameters: int, dtype: torch.dtype, memory: int) -> bool:
    """Whether a model of so many parameters is better shared out among devices of `memory` bytes each."""
    return parameters * dtype.itemsize > ROOMY * memory


def shard(model: PreTrainedModel, device: torch.device, setting: str) -> PreTrainedModel:
    """Cut the layers of a model up among all ranks, in place; layer after layer goes to `device`.

    Raises Fault, naming the `setting`, for a model that does not name its layers.
    """
    mesh = init_device_mesh(device.type, (dist.get_world_size(),))
    base, names = getattr(model, model.base_model_prefix), set(model._no_split_modules or ())
    # of encoders the embeddings are named too; a list of layers is what the model repeats
    repeated = [each for part in base.modules() if isinstance(part, nn.ModuleList) for each in part]
    layers = [module for module in repeated if type(module).__name__ in names]
    if not layers:
        raise Fault(f"{setting}: {type(model).__name__} does not tell which its layers are; set it to never")
    inside = {parameter for layer in layers for parameter in layer.parameters()}
    outside = {parameter for parameter in base.parameters() if parameter not in inside}
    for layer in layers:
        fully_shard(layer, mesh=mesh)
    fully_shard(base, mesh=mesh, ignored_params=outside)  # so that the next layer is on its way while one computes
    return model.to(device)


def whole(values: Mapping[str, Tensor], keep: bool) -> dict[str, Tensor]:
    """Tensors as they are without ranks, on the CPU, one after another; where `keep` is False nothing.

    A collective call: every rank makes it with the same names in the same order.
    """
    found = {}
    for name, value in values.items():
        value = value.detach()
        full = value.full_tensor() if isinstance(value, DTensor) else value
        if keep:
            found[name] = full.cpu()
    return found


def like(value: Tensor, place: Tensor) -> Tensor:
    """A whole tensor as what may take its `place`: on its device, and cut up as it is."""
    if isinstance(value, DTensor) or not isinstance(place, DTensor):
        return value.to(place.device)
    # every rank has read the same, so that none has to send it
    return distribute_tensor(value.to(place.device), place.device_mesh, place.placements, src_data_rank=None)


def average_gradients(parameters: Iterable[Tensor]) -> None:
    """Of what stays whole on every rank, in place; those of layers are averaged as they are let go."""
    for parameter in parameters:
        if parameter.grad is not None and not isinstance(parameter, DTensor):
            dist.all_reduce(parameter.grad)
            parameter.grad /= dist.get_world_size()
