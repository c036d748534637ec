"""A checkpoint of a student in training: safetensors and JSON, never pickles.

Frozen weights are not in it; they come from the job's init folder.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from types import MappingProxyType

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.optim import Optimizer

from training.folders import system_errors
from training.progress import Look, Progress
from training.sharding import like, whole

TENSORS_FILE, PROGRESS_FILE = "state.safetensors", "progress.json"


def write_checkpoint(
    folder: Path,
    progress: Progress,
    weights: Mapping[str, Tensor],
    kept: Mapping[str, Tensor],
    optimiser: Optimizer,
    others: Mapping[str, Tensor] = MappingProxyType({}),
    rank: int = 0,
) -> None:
    """Write the trainable `weights`, those `kept` from the best look, `others`, moments, random state and progress.

    Rank 0 does; every rank calls it, and gives its part of what is shared out. So any number may read it again.
    """
    states = optimiser.state_dict()["state"]
    tensors = {f"moments/{place}/{name}": value for place, state in states.items() for name, value in state.items()}
    tensors |= {f"weights/{name}": value for name, value in weights.items()}
    tensors |= {f"kept/{name}": value for name, value in kept.items()}
    tensors |= {f"others/{name}": value for name, value in others.items()}
    tensors["rng"] = torch.get_rng_state()
    tensors = whole(tensors, keep=rank == 0)
    if rank:
        return
    with system_errors(folder):
        save_file({name: value.contiguous() for name, value in tensors.items()}, folder / TENSORS_FILE)
    (folder / PROGRESS_FILE).write_text(json.dumps(asdict(progress)))


def read_progress(folder: Path) -> Progress:
    values = json.loads((folder / PROGRESS_FILE).read_text())
    return Progress(**{**values, "curve": [Look(*look) for look in values["curve"]]})


def read_tensors(folder: Path, optimiser: Optimizer) -> tuple[dict[str, Tensor], dict[str, Tensor], dict[str, Tensor]]:
    """The trainable weights, the kept ones, and others, whole; moments and random state are put in place."""
    groups: dict[str, dict[str, Tensor]] = defaultdict(dict)
    for name, value in load_file(folder / TENSORS_FILE).items():
        group, _, rest = name.partition("/")
        groups[group][rest] = value
    trained = [parameter for group in optimiser.param_groups for parameter in group["params"]]
    states: dict[int, dict[str, Tensor]] = defaultdict(dict)
    for name, value in groups["moments"].items():
        place, _, part = name.partition("/")
        states[int(place)][part] = like(value, trained[int(place)]) if value.ndim else value
    optimiser.load_state_dict({**optimiser.state_dict(), "state": dict(states)})
    torch.set_rng_state(groups["rng"][""])
    return groups["weights"], groups["kept"], groups["others"]
