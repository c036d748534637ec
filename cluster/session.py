"""Ray for the length of one run."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from cluster.config import RuntimeSettings
from cluster.reaper import Reaper
from generation.errors import Fault, UserError

_SLOW = "timed out during startup"  # of Ray's message, after half a minute
_STARTS = 4


@contextmanager
def ray_session(runtime: RuntimeSettings, namespace: str | None = None, **local: Any) -> Iterator[None]:
    """Join the cluster at `runtime.address`, or start one on this machine (with `local` options of `ray.init`); left
    or ended afterwards.

    Named actors of one namespace do not see those of another: each run has its own.

    A cluster of our own dies with this process, killed or not. Its logical CPUs may exceed the real ones: an engine,
    a trainer and Ray Data must fit side by side on a small machine, and take turns.
    """
    import ray

    if ray.is_initialized():  # a caller's own session, such as a notebook's
        yield
        return
    options = {"namespace": namespace, "log_to_driver": False, "logging_level": "ERROR", "configure_logging": True}
    try:
        if runtime.address:
            _join(runtime.address, options)
            yield
        else:
            # "local": without it, Ray would join a cluster that it finds running on this machine
            own = {"num_cpus": _logical_cpus(runtime), "include_dashboard": False, **options, **local}
            _start(own)
            with Reaper():
                yield
    finally:
        ray.shutdown()


def _start(options: dict[str, Any]) -> None:
    """On a busy machine it may take longer than Ray waits: then again. Raises Fault after _STARTS of them."""
    import ray

    for left in reversed(range(_STARTS)):
        try:
            ray.init("local", **options)
            return
        except Exception as error:  # Ray raises no class of its own
            ray.shutdown()
            if _SLOW not in str(error):
                raise
            if not left:
                raise Fault("Ray could not start in time: this machine has too much else to do") from None


def _join(address: str, options: dict[str, Any]) -> None:
    import ray

    try:
        ray.init(address=address, **options)
    except (ConnectionError, ValueError, RuntimeError, ray.exceptions.RayError) as error:
        problem = str(error).splitlines()[0]
        raise UserError(f"runtime.address: no Ray cluster at {address!r}: {problem}") from None


def _logical_cpus(runtime: RuntimeSettings) -> int:
    engines = runtime.max_engines or runtime.engines
    return max(os.cpu_count() or 1, engines + runtime.most_workers + 3)
