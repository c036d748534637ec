"""Every node of a cluster proves that it sees the run directory, before anything is done."""

from __future__ import annotations

import contextlib
import socket
import uuid
from collections.abc import Sequence
from typing import Any

from cluster.lease import read_lease
from generation.errors import UserError
from generation.location import Location, address_of, filesystem_of, locate, path_of
from generation.parts import write_bytes

PROVE_SECONDS = 60.0


def prove_seen(root: Location) -> None:
    """Raises UserError, naming the hosts, unless all nodes that live now read a file that is written here.

    Nodes that join later are found out when an engine starts on them (`check_seen`).
    """
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    nodes = {node["NodeID"]: node["NodeManagerAddress"] for node in ray.nodes() if node["Alive"]}
    probe = root / f".seen-{uuid.uuid4().hex}"
    write_bytes(filesystem_of(probe), path_of(probe), b"")
    try:
        asked = {
            ray.remote(_sees)
            .options(num_cpus=0, scheduling_strategy=NodeAffinitySchedulingStrategy(node, soft=False))
            .remote(address_of(probe)): host
            for node, host in nodes.items()
        }
        done, late = ray.wait(list(asked), num_returns=len(asked), timeout=PROVE_SECONDS)
        blind = {asked[each] for each in late} | {asked[each] for each in done if not _answer(each, asked[each])}
    finally:
        with contextlib.suppress(FileNotFoundError):
            filesystem_of(probe).delete_file(path_of(probe))
    if blind:
        raise UserError(refusal(root, sorted(blind), len(nodes)))


def check_seen(root: Location, epoch: int) -> None:
    """On the node of an engine. Raises UserError unless it sees the lease of the driver that started it."""
    if read_lease(root).get("epoch", 0) < epoch:
        raise UserError(refusal(root, [socket.gethostname()], None))


def refusal(root: Location, hosts: Sequence[str], nodes: int | None) -> str:
    """One line: which hosts do not see the run, and what to do."""
    shown = ", ".join(hosts[:3]) + (f" and {len(hosts) - 3} more" if len(hosts) > 3 else "")
    of = f" (of {nodes} nodes)" if nodes else ""
    return (
        f"{root}: must be seen by every node of the cluster; {shown}{of} sees no such run; put it on a path that all "
        "nodes share, or in an object store"
    )


def _sees(address: str) -> bool:
    return locate(address).is_file()


def _answer(asked: Any, host: str) -> bool:
    """What a node says; one that went away meanwhile does not matter. Raises UserError when it cannot run our code."""
    import ray

    try:
        return ray.get(asked)
    except ray.exceptions.RayTaskError as error:
        raise UserError(f"{host}: cannot run labelmill: {' '.join(str(error.cause).split())[:200]}") from None
    except ray.exceptions.RayError:
        return True
