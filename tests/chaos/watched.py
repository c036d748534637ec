"""A student that leaves a trace of each step, and waits where it is told to."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from training.job import StudentJob
from training.trainer import StudentTrainer

PACE = 0.1  # seconds that a step takes at least, so that checkpoints do not follow every one


class WatchedJob(StudentJob):
    """The same job, whose trainer is watched; traces and `gate` lie beside its output."""

    def trainer(self, device: Any, parallelise: Any) -> StudentTrainer:
        return WatchedTrainer(self, device, parallelise)


class WatchedTrainer(StudentTrainer):
    """Writes which rows each rank takes in which step, before it takes them."""

    def __init__(self, job: StudentJob, *given: Any) -> None:
        import ray

        super().__init__(job, *given)
        self.folder = Path(str(job.output)).parent
        node = ray.get_runtime_context().get_node_id()
        head = {"attempt": self._first_ranks(time.time_ns()), "rank": self.rank, "world": self.world}
        self.head = {**head, "pid": os.getpid(), "node": node}

    def share_of(self, places: Sequence[int]) -> Sequence[int]:
        mine = super().share_of(places)
        trace = {**self.head, "step": self.progress.step, "resumes": self.progress.resumes, "places": list(mine)}
        with (self.folder / f"trace-{os.getpid()}.jsonl").open("a") as file:
            file.write(json.dumps(trace) + "\n")
        time.sleep(PACE)
        while self.progress.step >= int((self.folder / "gate").read_text()):
            time.sleep(PACE)
        return mine

    def _first_ranks(self, value: int) -> int:
        """Rank 0's value, on every rank."""
        import torch.distributed as dist

        told = [value]
        if self.world > 1:
            dist.broadcast_object_list(told)
        return told[0]
