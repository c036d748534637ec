"""Where an engine goes: what it asks of Ray, and whether some node of the cluster is large enough."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from cluster.job import gpu_count
from cluster.server_spec import ServerSpec
from cluster.spec import EngineSpec
from generation.errors import UserError


@dataclass(frozen=True)
class Placement:
    """What an engine's actor asks for, and the bundles that are reserved together with it; it sits in the first."""

    actor: dict[str, float]
    bundles: tuple[dict[str, float], ...] = ()
    strategy: str = "PACK"


def placement_of(spec: EngineSpec) -> Placement:
    """An engine on one node is one actor with all its GPUs, whose workers are its own processes ("mp").

    One that spans nodes reserves a bundle per GPU, as vLLM's "ray" executor wants them; its workers take the GPUs, the
    actor none. PACK puts as many bundles on a node as fit, which vLLM then orders by node.
    """
    if spec.nodes == 1:
        return Placement(spec.resources())
    return Placement({"CPU": 0}, ({"GPU": 1.0, "CPU": 1.0},) * spec.world)


def gpus_in_reach() -> int:
    """GPUs of the cluster that this process has joined; those of this machine when it has joined none."""
    import ray

    return int(ray.cluster_resources().get("GPU", 0)) if ray.is_initialized() else gpu_count()


def wait_for_node(spec: EngineSpec | ServerSpec, say: Callable[[str], None] = lambda line: None) -> None:
    """Return as soon as some node could host an engine, busy or not; an autoscaler may take minutes to bring one.

    Raises UserError, naming what was asked for and what there is, when `node_seconds` bring none.
    """
    import ray

    began, told = time.monotonic(), False
    while True:
        nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        if can_host(spec, nodes):
            return
        problem = refusal(spec.resources(), nodes, spec.nodes)
        if time.monotonic() - began >= spec.node_seconds:
            raise UserError(problem)
        if not told:
            say(f"waiting up to {spec.node_seconds:g} s for a node: {problem}")
            told = True
        time.sleep(min(1.0, spec.node_seconds))


def can_host(spec: EngineSpec | ServerSpec, nodes: Sequence[Mapping[str, float]]) -> bool:
    """Whether these nodes could host an engine; one that spans nodes takes whole GPUs wherever they are."""
    if spec.nodes == 1:
        return any(fits(spec.resources(), node) for node in nodes)
    return sum(int(node.get("GPU", 0)) for node in nodes) >= spec.world


def fits(asked: Mapping[str, float], node: Mapping[str, float]) -> bool:
    """Whether a node with these resources in all could host what is asked for."""
    return all(node.get(name, 0.0) >= amount for name, amount in asked.items())


def refusal(asked: Mapping[str, float], nodes: Sequence[Mapping[str, float]], spanned: int = 1) -> str:
    """One line: what an engine needs, what the nodes have."""
    wanted = " and ".join(f"{amount:g} {name}" for name, amount in asked.items())
    have = "; ".join(", ".join(f"{node.get(name, 0.0):g} {name}" for name in ("CPU", "GPU")) for node in nodes)
    there_are = f"the cluster's {len(nodes)} node(s) have {have}"
    if spanned > 1:
        return f"runtime.nodes_per_engine: an engine needs {wanted} on {spanned} nodes; {there_are}; add nodes"
    return f"runtime.gpus_per_engine: an engine needs {wanted} on one node; {there_are}; lower it or add such a node"
