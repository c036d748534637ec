"""How many workers a group has; tests/chaos/test_students.py is about groups that change."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ray.train import ScalingConfig
from ray.train.v2._internal.execution.scaling_policy import NoopDecision, ResizeDecision

from generation.errors import Fault
from tests.chaos.watched import WatchedJob
from tests.training.cases import LABELS, SEEDS, rows, tiny_encoder
from training.elastic import FreeRoom, Nodes
from training.loop import fit_students
from training.settings import StudentSettings


class Told(FreeRoom):
    """A policy that is told what is free, and does not wait."""

    place_seconds = 0.0
    free: Nodes

    def _free(self) -> Nodes:
        return self.free

    def _maybe_send_resource_request(self) -> None:
        pass


def policy(least: int, most: int, free: Nodes) -> Told:
    made = Told(ScalingConfig(num_workers=(least, most), resources_per_worker={"CPU": 1, "GPU": 1}, use_gpu=True))
    made.free = free
    return made


def test_a_worker_needs_all_it_asks_for_on_one_node() -> None:
    free: Nodes = {"a": {"CPU": 8.0, "GPU": 0.5}, "b": {"CPU": 1.0, "GPU": 4.0}, "c": {"CPU": 4.0, "GPU": 2.0}, "d": {}}
    found = policy(1, 8, free).make_decision_for_non_running_worker_group()
    assert isinstance(found, ResizeDecision) and found.num_workers == 3
    found = policy(1, 2, free).make_decision_for_non_running_worker_group()
    assert isinstance(found, ResizeDecision) and found.num_workers == 2


def test_it_does_not_wait_for_room_for_ever() -> None:
    cramped = policy(2, 3, {"a": {"CPU": 1.0, "GPU": 1.0}})
    assert isinstance(cramped.make_decision_for_non_running_worker_group(), NoopDecision)
    with pytest.raises(Fault, match=r"runtime.workers: no room for 2 training workers of \{'CPU': 1, 'GPU': 1\}"):
        cramped.make_decision_for_non_running_worker_group()


def test_what_others_hold_is_not_counted(ray_session: None, minilm: Path, tmp_path: Path) -> None:
    import ray

    class Holder:
        def is_there(self) -> bool:
            return True

    cpus = int(ray.cluster_resources()["CPU"])
    holder = ray.remote(num_cpus=cpus - 2)(Holder).remote()
    assert ray.get(holder.is_there.remote())
    settings = StudentSettings(steps=2, batch_size=cpus)
    encoder = tiny_encoder(minilm, tmp_path / "encoder")
    (tmp_path / "gate").write_text("2")
    fit_students([WatchedJob(LABELS, rows(SEEDS), encoder, tmp_path / "student", settings)], tmp_path / "s", (1, cpus))
    ray.kill(holder)
    traces = [json.loads(line) for file in tmp_path.glob("trace-*") for line in file.read_text().splitlines()]
    assert {(trace["world"], trace["rank"]) for trace in traces} == {(2, 0), (2, 1)}
