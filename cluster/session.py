"""Ray for the length of one run."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from cluster.config import RuntimeSettings
from generation.errors import UserError


@contextmanager
def ray_session(runtime: RuntimeSettings) -> Iterator[None]:
    """Join the cluster at `runtime.address`, or start one on this machine; left or ended afterwards.

    A cluster of our own dies with this process, killed or not. Its logical CPUs may exceed the real ones: an engine,
    a trainer and Ray Data must fit side by side on a small machine, and take turns.
    """
    import ray

    if ray.is_initialized():  # a caller's own session, such as a notebook's
        yield
        return
    quiet = {"log_to_driver": False, "logging_level": "ERROR", "configure_logging": True}
    # Ray's C++ side writes to this process' stderr, over the live view, whatever logging is set up
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    if runtime.address:
        try:
            ray.init(address=runtime.address, **quiet)
        except (ConnectionError, ValueError) as error:
            problem = str(error).splitlines()[0]
            raise UserError(f"runtime.address: no Ray cluster at {runtime.address!r}: {problem}") from None
    else:
        cpus = max(os.cpu_count() or 1, runtime.engines + runtime.workers + 3)
        ray.init(num_cpus=cpus, include_dashboard=False, **quiet)
    try:
        yield
    finally:
        ray.shutdown()
