"""What every trainer has in common: it can be left and taken up again, and its ranks agree."""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import torch
import torch.distributed as dist
from safetensors import SafetensorError
from torch import Tensor
from torch.optim import Optimizer

from training.checkpoint import read_progress, read_tensors, write_checkpoint
from training.progress import Progress
from training.sharding import like


class Resumable(ABC):
    """A trainer's optimiser and progress; `kept` are the trained weights of the best look."""

    device: torch.device
    optimiser: Optimizer
    progress: Progress
    kept: dict[str, Tensor]

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.rank: int = dist.get_rank() if dist.is_initialized() else 0
        self.world: int = dist.get_world_size() if dist.is_initialized() else 1

    @abstractmethod
    def _trainable(self) -> dict[str, Tensor]:
        """What is trained, by name."""

    @abstractmethod
    def _load(self, weights: dict[str, Tensor]) -> None:
        """Put trained weights in place; those that are not named stay."""

    def _others(self) -> dict[str, Tensor]:
        """What else a checkpoint holds."""
        return {}

    def _load_others(self, others: dict[str, Tensor]) -> None:
        """Put it in place."""
        assert not others, f"{type(self).__name__} keeps nothing else; got {sorted(others)}"

    def restore_first(self, folders: Iterable[Path]) -> bool:
        """Go on from the first that is whole and this job's; False if none is."""
        for folder in folders:
            with contextlib.suppress(OSError, ValueError, KeyError, SafetensorError):
                if self.restore(folder):
                    return True
        return False

    def settle(self) -> None:  # noqa: B027 - most have nothing to settle
        """Every rank calls it when training is finished, before rank 0 saves."""

    def checkpoint(self, folder: Path) -> None:
        """Write all that `restore` needs to go on from here; rank 0 does, but every rank calls it."""
        state = self._trainable(), self.kept, self.optimiser, self._others(), self.rank
        write_checkpoint(folder, self.progress, *state)

    def restore(self, folder: Path) -> bool:
        """Go on from a checkpoint; False, and nothing done, when it is another job's."""
        if (progress := read_progress(folder)).key != self.progress.key:
            return False
        weights, kept, others = read_tensors(folder, self.optimiser)
        self._load(weights)
        self.kept = self._as_trained(kept)
        self.progress = replace(progress, resumes=progress.resumes + 1)
        self._load_others(others)
        return True

    def _as_trained(self, weights: dict[str, Tensor]) -> dict[str, Tensor]:
        """Whole tensors on the device, shared out as what is trained under their names."""
        places = self._trainable()
        return {name: like(value, places[name]) for name, value in weights.items()}

    def agree(self, wish: bool) -> bool:
        """Rank 0's wish, on every rank."""
        if self.world == 1:
            return wish
        wishes = [wish]
        dist.broadcast_object_list(wishes, device=self.device)
        return wishes[0]
