"""Two processes that train together in float32, without Ray: a job after the other, each left and taken up again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.distributed as dist
from torch.distributed.tensor import DTensor
from torch.multiprocessing.spawn import spawn

from training.adapters.job import AdapterJob
from training.adapters.trainer import AdapterTrainer
from training.device import prepare_process


@dataclass(frozen=True)
class Told:
    """What rank 0 saw of a job: the losses of its steps, what it had learnt, and how much of the model it held."""

    losses: list[float]
    parameters: dict[str, torch.Tensor]
    held: int
    resumes: int


def train_together(jobs: Sequence[AdapterJob], folder: Path, leave_at: int) -> list[Told]:
    """Both ranks train each job, and begin a trainer anew from a checkpoint after `leave_at` steps."""
    spawn(_work, (list(jobs), folder, leave_at), nprocs=2)
    return torch.load(folder / "told.pt", weights_only=False)


def _work(rank: int, jobs: list[AdapterJob], folder: Path, leave_at: int) -> None:
    prepare_process(2)
    dist.init_process_group("gloo", f"file://{folder / 'meet'}", rank=rank, world_size=2)
    told = [_train(job, folder / f"checkpoint{number}", leave_at) for number, job in enumerate(jobs)]
    if rank == 0:
        torch.save(told, folder / "told.pt")
    dist.barrier()
    dist.destroy_process_group()


def _train(job: AdapterJob, checkpoint: Path, leave_at: int) -> Told:
    trainer, losses = AdapterTrainer(job, dtype=torch.float32), []
    while not trainer.finished:
        trainer.step()
        losses.append(trainer.progress.loss)
        if len(losses) == leave_at:
            if trainer.rank == 0:
                checkpoint.mkdir()
                trainer.checkpoint(checkpoint)
            dist.barrier()
            trainer = AdapterTrainer(job, dtype=torch.float32)
            assert trainer.restore(checkpoint)
    held = sum(_local(value) for name, value in trainer.lm.model.named_parameters() if "lora_" not in name)
    parameters = {name: value.detach().clone() for name, value in trainer.adaptation.named_parameters()}
    if trainer.rank == 0:
        trainer.save()
    return Told(losses, parameters, held, trainer.progress.resumes)


def _local(parameter: torch.Tensor) -> int:
    """Numbers of it that this rank keeps."""
    return (parameter.to_local() if isinstance(parameter, DTensor) else parameter).numel()
