"""A worker group that grows and shrinks with its cluster. Like training/loop.py, it knows Ray.

Ray Train's own elastic policy counts whole nodes, as if nothing else ran on them, and looks at them every 20 s. Beside
engines it would stop a group for a larger one that cannot be placed, and after a node's loss wait for it. So only what
is free is counted here.
"""

from __future__ import annotations

import time
from typing import Any

import ray
from ray._private.state import available_resources_per_node
from ray.train.torch import TorchTrainer
from ray.train.v2._internal.execution.controller.state import InitializingState, ReschedulingState, TrainControllerState
from ray.train.v2._internal.execution.scaling_policy import ElasticScalingPolicy, NoopDecision, ScalingDecision

from generation.errors import Fault

Nodes = dict[str, dict[str, float]]


class ElasticTrainer(TorchTrainer):
    """A `TorchTrainer` whose `num_workers` are two: it has as many as there is room for."""

    def _initialize_and_run_controller(self, **told: Any) -> Any:
        policy = FreeRoom(self.scaling_config)
        return super()._initialize_and_run_controller(**{**told, "scaling_policy": policy})


class FreeRoom(ElasticScalingPolicy):
    """Workers for which nodes that live have room beside what others hold.

    What others hold is seen while the group has no place of its own: before it starts, and after it could not.
    """

    place_seconds = 1200.0  # that it waits for room for the least group

    def __init__(self, scaling_config: Any) -> None:
        super().__init__(scaling_config)
        self._taken: Nodes = {}
        self._has_place = False
        self._looked = float("-inf")
        self._free_now: Nodes = {}
        self._waits_since: float | None = None

    def after_controller_state_update(self, previous: TrainControllerState, current: TrainControllerState) -> None:
        self._has_place = not isinstance(current, (InitializingState, ReschedulingState))

    def make_decision_for_non_running_worker_group(self) -> ScalingDecision:
        """As Ray's; raises Fault when there has been no room for long."""
        decision = super().make_decision_for_non_running_worker_group()
        if not isinstance(decision, NoopDecision):
            self._waits_since = None
            return decision
        now = time.monotonic()
        self._waits_since = self._waits_since or now
        if now - self._waits_since > self.place_seconds:
            asked = self.scaling_config._resources_per_worker_not_none
            raise Fault(f"runtime.workers: no room for {self.scaling_config.min_workers} training workers of {asked}")
        time.sleep(0.2)  # the controller asks again at once
        return decision

    def _get_reserved_resources(self) -> Nodes:
        now = time.monotonic()
        if now - self._looked >= self.GET_RESERVED_RESOURCES_INTERVAL_S:
            self._looked, self._free_now = now, self._free()
        return self._free_now

    def _free(self) -> Nodes:
        nodes: Nodes = {node["NodeID"]: node["Resources"] for node in ray.nodes() if node["Alive"]}
        if not self._has_place:
            free = available_resources_per_node()
            self._taken = {name: _less(nodes[name], free.get(name, {})) for name in nodes}
        return {name: _less(resources, self._taken.get(name, {})) for name, resources in nodes.items()}


def _less(whole: dict[str, float], part: dict[str, float]) -> dict[str, float]:
    return {name: value - part.get(name, 0.0) for name, value in whole.items()}
