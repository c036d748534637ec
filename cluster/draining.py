"""Nodes that will go away soon: a spot instance with its notice, or an operator's `ray drain-node`."""

from __future__ import annotations


def draining_nodes() -> frozenset[str]:
    """Ray's ids of the nodes that take no more work. Ray has no public call for it; its own Train asks like this."""
    import ray

    return frozenset(ray._private.state.state.get_draining_nodes())
