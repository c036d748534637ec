"""An engine as its pool sees it: calls into its actor, none of which waits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from cluster.engine import Engine
from cluster.messages import EngineName
from cluster.spec import EngineSpec


class RemoteEngine(Protocol):
    """What `start` and `report` return is to be waited for with ray.wait: a Ready and a Report."""

    def start(self) -> Any: ...

    def submit(self, part: str, places: Sequence[int]) -> None: ...

    def report(self, seconds: float) -> Any: ...

    def kill(self) -> None: ...


def launch_engine(spec: EngineSpec, name: EngineName, root: str, run_id: str, template: str | None) -> RemoteEngine:
    """A vLLM engine in an actor of its own, with the resources that its spec asks for."""
    import ray

    asked = spec.resources()
    actor = ray.remote(Engine).options(
        max_concurrency=1000,
        max_restarts=0,
        runtime_env={"env_vars": spec.environment()},
        num_cpus=asked.get("CPU", 0),
        num_gpus=asked.get("GPU", 0),
    )
    return ActorEngine(actor.remote(spec, name, root, run_id, template))


class ActorEngine:
    """An engine that is a Ray actor."""

    def __init__(self, actor: Any) -> None:
        self._actor = actor

    def start(self) -> Any:
        return self._actor.start.remote()

    def submit(self, part: str, places: Sequence[int]) -> None:
        self._actor.submit.remote(part, places)

    def report(self, seconds: float) -> Any:
        return self._actor.report.remote(seconds)

    def kill(self) -> None:
        import ray

        ray.kill(self._actor, no_restart=True)
