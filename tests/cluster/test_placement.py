"""What an engine needs and what nodes have."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
import ray
from ray.util import placement_group_table

from cluster.config import RuntimeSettings
from cluster.messages import EngineName
from cluster.placement import Placement, can_host, fits, placement_of, refusal, wait_for_node
from cluster.remote import launch_engine
from cluster.session import ray_session
from cluster.spec import EngineSpec
from generation.errors import UserError
from tests.cluster.cases import in_a_process

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


SPREAD = replace(SPEC, tensor_parallel=2, pipeline_parallel=2, nodes=2)


def test_an_engine_on_one_node_is_one_actor() -> None:
    assert placement_of(replace(SPEC, gpus=1)) == Placement({"GPU": 0.9})
    assert placement_of(replace(SPEC, gpus=0)) == Placement({"CPU": 1})
    assert placement_of(replace(SPREAD, nodes=1)) == Placement({"GPU": 4})


def test_an_engine_over_nodes_reserves_a_bundle_for_each_gpu() -> None:
    assert placement_of(SPREAD) == Placement({"CPU": 0}, ({"GPU": 1.0, "CPU": 1.0},) * 4, "PACK")


def test_whole_gpus_of_all_nodes_count_for_an_engine_over_nodes() -> None:
    assert can_host(SPREAD, [{"GPU": 2.0}, {"GPU": 2.0}])
    assert not can_host(SPREAD, [{"GPU": 2.0}, {"GPU": 1.0}])
    assert not can_host(SPEC, [{"GPU": 2.0}, {"GPU": 2.0}])
    assert refusal(SPREAD.resources(), [{"GPU": 2.0}], 2) == (
        "runtime.nodes_per_engine: an engine needs 4 GPU on 2 nodes; the cluster's 1 node(s) have 0 CPU, 2 GPU; "
        "add nodes"
    )


def test_the_group_goes_with_its_engine() -> None:
    in_a_process(reserve_and_give_back)


def reserve_and_give_back() -> None:
    """Real Ray, GPUs in name only: the reservation is made, holds the actor, and is given back."""
    ray.init("local", num_cpus=4, num_gpus=4, include_dashboard=False, log_to_driver=False)
    try:
        engine = launch_engine(SPREAD, EngineName(1, 0, 0), "/none", "run", None)
        (group,) = placement_group_table().values()
        assert (group["strategy"], group["bundles"]) == ("PACK", {n: {"CPU": 1.0, "GPU": 1.0} for n in range(4)})
        deadline = time.monotonic() + 300
        while ray.available_resources().get("GPU", 0) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert ray.available_resources().get("GPU", 0) == 0
        engine.kill()
        while ray.available_resources().get("GPU", 0) < 4 and time.monotonic() < deadline:
            time.sleep(0.1)
        assert ray.available_resources()["GPU"] == 4
        assert [each["state"] for each in placement_group_table().values()] == ["REMOVED"]
    finally:
        ray.shutdown()


@pytest.fixture(scope="module")
def session() -> Iterator[None]:
    with ray_session(RuntimeSettings()):
        yield


def test_a_node_that_is_large_enough(session: None) -> None:
    wait_for_node(replace(SPEC, gpus=0))


def test_no_such_node(session: None) -> None:
    began, lines = time.monotonic(), list[str]()
    with pytest.raises(UserError, match=r"an engine needs 4 GPU on one node; the cluster's 1 node\(s\) have "):
        wait_for_node(replace(SPEC, node_seconds=0.5), lines.append)
    assert 0.5 <= time.monotonic() - began < 250
    (line,) = lines
    assert line.startswith("waiting up to 0.5 s for a node: runtime.gpus_per_engine: an engine needs 4 GPU on one node")
