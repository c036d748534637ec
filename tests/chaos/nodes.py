"""Nodes that come and go under a pool: run as a process of its own, since it starts a Ray of several nodes.

    python -m tests.chaos.nodes RUN kill|drain

Prints one JSON object: the pool's log, the tokens lost, and which engines committed on which nodes.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import ray
from ray.cluster_utils import Cluster

from cluster.messages import EngineName, Ready
from cluster.pool import EnginePool
from cluster.remote import RemoteEngine
from cluster.store import Store
from tests.cluster.cases import RUN_ID
from tests.cluster.fakes import SPEC, PacedEngine, fake_actor

PLACE = {"engine": 1}  # each node has room for one engine
PARTS_BEFORE = 10


def main(root: Path, strike: Callable[[Cluster, str], None]) -> None:
    store, log, nodes = Store(root), list[str](), dict[str, str]()
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    for _ in range(2):
        cluster.add_node(num_cpus=1, resources=PLACE)
    ray.init(address=cluster.address, log_to_driver=False, logging_level="ERROR")

    def launch(name: EngineName) -> RemoteEngine:
        return fake_actor(name, root, PacedEngine, resources=PLACE)

    def ready(engine: Ready) -> None:
        nodes[str(engine.name)] = engine.node

    spec = replace(SPEC, hang_seconds=120.0)  # a busy machine is not a hung engine
    pool = EnginePool(spec, 2, store, RUN_ID, 1, log=log.append, ready=ready, launch=launch)
    pool.start()
    for count, _ in enumerate(pool.generate(store.open_requests(0))):
        if count == PARTS_BEFORE:
            strike(cluster, nodes["d0001-e000-i000"])
    pool.stop()
    ray.shutdown()
    cluster.shutdown()
    print(json.dumps({"log": log, "lost": pool.lost_tokens, "nodes": nodes}))


def kill(cluster: Cluster, node: str) -> None:
    """SIGKILL a node's raylet; then another node comes."""
    (struck,) = (each for each in cluster.worker_nodes if each.node_id == node)
    (raylet,) = struck.all_processes["raylet"]
    os.kill(raylet.process.pid, signal.SIGKILL)
    cluster.add_node(num_cpus=1, resources=PLACE)


def drain(cluster: Cluster, node: str) -> None:
    """Tell Ray that a node will be preempted, as a cloud's notice does; then another node comes."""
    command = [sys.executable, "-m", "ray.scripts.scripts", "drain-node", "--address", cluster.address]
    command += ["--node-id", node, "--reason", "DRAIN_NODE_REASON_PREEMPTION", "--reason-message", "notice"]
    subprocess.run([*command, "--deadline-remaining-seconds", "600"], check=True, capture_output=True)
    cluster.add_node(num_cpus=1, resources=PLACE)


if __name__ == "__main__":
    main(Path(sys.argv[1]), {"kill": kill, "drain": drain}[sys.argv[2]])
