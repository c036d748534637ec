"""Keeps vLLM's processes from spinning on a core that the model needs.

A process of vLLM that waits for another one spins on shared memory for a second before it sleeps. With a GPU that saves
microseconds of a step; on a CPU it takes a core from the model. vLLM has no setting for it; it loads every
`vllm.general_plugins` entry point in each of its processes, which is where this runs.
"""

from __future__ import annotations

import os

YIELDS = "LABELMILL_YIELDS"  # set in the environment of our engines on CPUs
SPIN_SECONDS = 0.002  # as long as a message takes; a step takes hundreds of milliseconds


def yield_cores() -> None:
    """Have waiting processes sleep after SPIN_SECONDS, and wake at the notice that comes with each message."""
    if os.environ.get(YIELDS) != "1":
        return
    from vllm.distributed.device_communicators import shm_broadcast

    class Sleeper(shm_broadcast.SpinCondition):
        def record_read(self) -> None:
            """From the first message on: before it, the notice's way may not be open yet."""
            super().record_read()
            self.busy_loop_s = SPIN_SECONDS

    shm_broadcast.SpinCondition = Sleeper
