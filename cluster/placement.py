"""Whether some node of the cluster is large enough for an engine."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from cluster.job import gpu_count
from cluster.spec import EngineSpec
from generation.errors import UserError

WAIT_SECONDS = 45.0  # for a node that an autoscaler is about to bring


def gpus_in_reach() -> int:
    """GPUs of the cluster that this process has joined; those of this machine when it has joined none."""
    import ray

    return int(ray.cluster_resources().get("GPU", 0)) if ray.is_initialized() else gpu_count()


def wait_for_node(spec: EngineSpec, seconds: float = WAIT_SECONDS) -> None:
    """Return as soon as some node could host an engine, busy or not.

    Raises UserError, naming what was asked for and what there is, when `seconds` bring none.
    """
    import ray

    deadline = time.monotonic() + seconds
    while True:
        nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        if any(fits(spec.resources(), node) for node in nodes):
            return
        if time.monotonic() >= deadline:
            raise UserError(refusal(spec.resources(), nodes))
        time.sleep(min(1.0, seconds))


def fits(asked: Mapping[str, float], node: Mapping[str, float]) -> bool:
    """Whether a node with these resources in all could host what is asked for."""
    return all(node.get(name, 0.0) >= amount for name, amount in asked.items())


def refusal(asked: Mapping[str, float], nodes: Sequence[Mapping[str, float]]) -> str:
    """One line: what an engine needs, what the nodes have."""
    wanted = " and ".join(f"{amount:g} {name}" for name, amount in asked.items())
    have = "; ".join(", ".join(f"{node.get(name, 0.0):g} {name}" for name in ("CPU", "GPU")) for node in nodes)
    there_are = f"the cluster's {len(nodes)} node(s) have {have}"
    return f"runtime.gpus_per_engine: an engine needs {wanted} on one node; {there_are}; lower it or add such a node"
