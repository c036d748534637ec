"""What an engine needs and what nodes have."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from cluster.config import RuntimeSettings
from cluster.placement import fits, refusal, wait_for_node
from cluster.session import ray_session
from cluster.spec import EngineSpec
from generation.errors import UserError

SPEC = EngineSpec("m", "", "hash", "gpu", 8, 1024, 1, 0.9, 4, 4, 1.0, 300.0)


def test_all_that_is_asked_for_must_be_there() -> None:
    assert fits({"GPU": 0.5}, {"GPU": 1.0, "CPU": 1.0})
    assert not fits({"GPU": 2}, {"GPU": 1.0, "CPU": 64.0})
    assert not fits({"CPU": 1}, {})


def test_a_refusal_names_both() -> None:
    assert refusal(SPEC.resources(), [{"CPU": 8.0}, {"CPU": 4.0, "GPU": 2.0}]) == (
        "runtime.gpus_per_engine: an engine needs 4 GPU on one node; the cluster's 2 node(s) have 8 CPU, 0 GPU; "
        "4 CPU, 2 GPU; lower it or add such a node"
    )


@pytest.fixture(scope="module")
def session() -> Iterator[None]:
    with ray_session(RuntimeSettings()):
        yield


def test_a_node_that_is_large_enough(session: None) -> None:
    wait_for_node(replace(SPEC, gpus=0), 0)


def test_no_such_node(session: None) -> None:
    began = time.monotonic()
    with pytest.raises(UserError, match=r"an engine needs 4 GPU on one node; the cluster's 1 node\(s\) have "):
        wait_for_node(SPEC, 0.5)
    assert time.monotonic() - began < 30
