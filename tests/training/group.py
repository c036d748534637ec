"""Groups of processes that train students in float32, without Ray, each from the checkpoint of the one before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.tensor import DTensor
from torch.multiprocessing.spawn import spawn
from torch.nn.parallel import DistributedDataParallel

from training.device import CPU, prepare_process
from training.job import StudentJob
from training.sharding import whole
from training.trainer import StudentTrainer


class Watched(StudentTrainer):
    """Remembers which rows this rank took in each step."""

    seen: list[list[int]]

    def share_of(self, places: Sequence[int]) -> Sequence[int]:
        mine = super().share_of(places)
        self.seen = [*getattr(self, "seen", []), list(mine)]
        return mine


@dataclass
class Told:
    """What was seen: the loss of each step, the rows that all ranks took in it, and how much of the model rank 0 held.

    `weights` are those that were trained, at the end.
    """

    losses: list[float] = field(default_factory=list)
    seen: list[list[int]] = field(default_factory=list)
    held: list[int] = field(default_factory=list)
    weights: dict[str, Tensor] = field(default_factory=dict)

    def watch(self, trainer: Watched, until: int) -> None:
        self.held.append(sum(_local(value) for value in trainer.student.parameters()))
        while not trainer.finished and trainer.progress.step < until:
            trainer.step()
            self.losses.append(trainer.progress.loss)
            shares = [trainer.seen[-1]] * trainer.world
            if trainer.world > 1:
                dist.all_gather_object(shares, trainer.seen[-1])
            self.seen.append([place for share in shares for place in share])


def train_alone(job: StudentJob) -> Told:
    """One process from the first step to the last, which then saves."""
    told, trainer = Told(), Watched(job, dtype=torch.float32)
    told.watch(trainer, job.settings.steps)
    _end(told, trainer)
    return told


def train_in_turns(jobs: Sequence[StudentJob], folder: Path, turns: Sequence[tuple[int, int]]) -> list[Told]:
    """Each job: for each of `turns` a group of so many ranks, until so many steps are done; the last one saves."""
    spawn(_work, (list(jobs), folder, list(turns)), nprocs=max(ranks for ranks, _ in turns))
    return torch.load(folder / "told.pt", weights_only=False)


def _work(rank: int, jobs: list[StudentJob], folder: Path, turns: list[tuple[int, int]]) -> None:
    prepare_process(3)
    told = [Told() for _ in jobs]
    for place, job in enumerate(jobs):
        for number, (ranks, until) in enumerate(turns):
            if rank < ranks:  # rank 0 is in every group, which waits for it to have written its checkpoint
                meeting = f"file://{folder / f'{place}-{number}'}"
                dist.init_process_group("gloo", meeting, rank=rank, world_size=ranks)
                _turn(job, folder / f"checkpoint{place}", number > 0, until, told[place])
                dist.destroy_process_group()
    if rank == 0:
        torch.save(told, folder / "told.pt")


def _turn(job: StudentJob, checkpoint: Path, goes_on: bool, until: int, told: Told) -> None:
    trainer = Watched(job, CPU, _parallel, torch.float32)
    assert not goes_on or trainer.restore(checkpoint)
    told.watch(trainer, until)
    checkpoint.mkdir(exist_ok=True)
    trainer.checkpoint(checkpoint)
    if trainer.finished:
        _end(told, trainer)
    dist.barrier()


def _end(told: Told, trainer: Watched) -> None:
    told.weights = {name: value.clone() for name, value in whole(trainer._trainable(), keep=True).items()}
    trainer.settle()
    if trainer.rank == 0:
        trainer.save()


def _parallel(model: nn.Module) -> nn.Module:
    return DistributedDataParallel(model) if dist.get_world_size() > 1 else model


def _local(parameter: Tensor) -> int:
    """Numbers of it that this rank keeps."""
    return (parameter.to_local() if isinstance(parameter, DTensor) else parameter).numel()
