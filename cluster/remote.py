"""An engine as its pool sees it: calls into its actor, none of which waits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from cluster.engine import Engine
from cluster.messages import EngineName
from cluster.placement import placement_of
from cluster.server_engine import ServerEngine
from cluster.server_spec import ServerSpec, read_key
from cluster.spec import EngineSpec


class RemoteEngine(Protocol):
    """What `start` and `report` return is to be waited for with ray.wait: a Ready and a Report."""

    def start(self) -> Any: ...

    def submit(self, part: str, places: Sequence[int]) -> None: ...

    def report(self, seconds: float) -> Any: ...

    def sleep(self, asleep: bool) -> Any: ...

    def kill(self) -> None: ...


def launch_engine(
    spec: EngineSpec | ServerSpec, name: EngineName, root: str, run_id: str, template: str | None
) -> RemoteEngine:
    """An engine in an actor of its own, with the resources that its spec asks for."""
    import ray
    from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

    if isinstance(spec, ServerSpec):
        actor = ray.remote(ServerEngine).options(max_concurrency=1000, max_restarts=0, num_cpus=0)
        return ServerActor(actor.remote(spec, name, root, run_id, template), read_key(spec.settings))
    placement = placement_of(spec)
    group = ray.util.placement_group(list(placement.bundles), placement.strategy) if placement.bundles else None
    # vLLM's workers are placed by the group that it finds its actor in
    inside = PlacementGroupSchedulingStrategy(group, 0, True) if group else "DEFAULT"
    actor = ray.remote(Engine).options(
        max_concurrency=1000,
        max_restarts=0,
        runtime_env={"env_vars": spec.environment()},
        num_cpus=placement.actor.get("CPU", 0),
        num_gpus=placement.actor.get("GPU", 0),
        scheduling_strategy=inside,
    )
    return ActorEngine(actor.remote(spec, name, root, run_id, template), group)


class ActorEngine:
    """An engine that is a Ray actor, and the placement group that it lives in, if it has one."""

    def __init__(self, actor: Any, group: Any = None) -> None:
        self._actor, self._group = actor, group

    def start(self) -> Any:
        return self._actor.start.remote()

    def submit(self, part: str, places: Sequence[int]) -> None:
        self._actor.submit.remote(part, places)

    def report(self, seconds: float) -> Any:
        return self._actor.report.remote(seconds)

    def sleep(self, asleep: bool) -> Any:
        return self._actor.sleep.remote(asleep)

    def kill(self) -> None:
        import ray

        ray.kill(self._actor, no_restart=True)
        if self._group is not None:
            ray.util.remove_placement_group(self._group)


class ServerActor(ActorEngine):
    """Hands the key over in a call: what an actor is created with, environment included, Ray keeps and shows."""

    def __init__(self, actor: Any, key: str | None) -> None:
        super().__init__(actor)
        self._key = key

    def start(self) -> Any:
        return self._actor.start.remote(self._key)
