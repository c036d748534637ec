"""A frozen base model cut up among the workers that train beside it: torch's `fully_shard` (FSDP2, Zhao et al. 2023).

Each worker keeps a part of every decoder layer; a layer is put together while it computes, forward or backward, and
then let go again. Embeddings and the output layer stay whole on every worker. Adapters, which come afterwards, are not
shared out. Workers must compute the model equally often, since each waits for the others' parts.
"""

from __future__ import annotations

import torch
import torch.distributed as dist
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from transformers import PreTrainedModel

from generation.errors import Fault

ROOMY = 1 / 3  # of a device's memory: a base model that takes more leaves too little for what is computed with it


def is_too_large(parameters: int, dtype: torch.dtype, memory: int) -> bool:
    """Whether a model of so many parameters is better shared out among devices of `memory` bytes each."""
    return parameters * dtype.itemsize > ROOMY * memory


def shard(model: PreTrainedModel, device: torch.device) -> PreTrainedModel:
    """Cut the decoder layers of a frozen model up among all ranks, in place; layer after layer goes to `device`.

    Raises Fault for a model that does not name its layers.
    """
    mesh = init_device_mesh(device.type, (dist.get_world_size(),))
    base, names = getattr(model, model.base_model_prefix), set(model._no_split_modules or ())
    layers = [module for module in base.modules() if type(module).__name__ in names]
    if not layers:
        raise Fault(f"adapt.shard: {type(model).__name__} does not tell which its layers are; set it to never")
    inside = {parameter for layer in layers for parameter in layer.parameters()}
    outside = {parameter for parameter in base.parameters() if parameter not in inside}
    for layer in layers:
        fully_shard(layer, mesh=mesh)
    fully_shard(base, mesh=mesh, ignored_params=outside)  # so that the next layer is on its way while one computes
    return model.to(device)
