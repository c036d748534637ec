"""A student on a Ray of several nodes, which loses a worker, a node and its driver, and gets a new node.

    python -m tests.chaos.students FOLDER            lets it all happen; a process of its own, since it starts a Ray
    python -m tests.chaos.students FOLDER ADDRESS    the driver that it starts, kills and starts again

FOLDER/traces.json has what tests/chaos/watched.py wrote.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from generation.models import EMBEDDED_ENCODER, resolve_model
from tests.chaos.watched import WatchedJob
from tests.training.cases import LABELS, SEEDS, UNSEEN, rows, tiny_encoder
from training.settings import StudentSettings

STEPS, BATCH = 40, 4
GATES = (8, 14, 20, 26, STEPS)  # where it waits for the next blow; after the last one it ends

Trace = dict[str, Any]


def make_job(folder: Path) -> WatchedJob:
    settings = StudentSettings(steps=STEPS, batch_size=BATCH, evaluate_every=10, learning_rate=1e-3, ema=0.5)
    return WatchedJob(LABELS, rows(SEEDS), folder / "encoder", folder / "student", settings, dev=rows(UNSEEN))


def drive(folder: Path, address: str) -> None:
    """What a user's driver does: train, or go on."""
    import ray

    from training.loop import fit_students

    ray.init(address=address, log_to_driver=False, logging_level="ERROR")
    fit_students([make_job(folder)], folder / "storage", (1, 2), checkpoint_seconds=0.5, resize_seconds=1)


class Story:
    """A cluster whose head has no CPU, so that workers are on the others, one on each."""

    def __init__(self, folder: Path) -> None:
        from ray.cluster_utils import Cluster

        self.folder = folder
        self.cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
        for _ in range(2):
            self.cluster.add_node(num_cpus=1)
        self.driver = self.start()

    def start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "tests.chaos.students", str(self.folder), self.cluster.address]
        log = (self.folder / f"driver-{time.time_ns()}.log").open("w")
        return subprocess.Popen(command, stdout=log, stderr=log)

    def traces(self) -> list[Trace]:
        """All that was written so far, attempt after attempt."""
        files = self.folder.glob("trace-*.jsonl")
        lines = [line for file in files for line in file.read_text().splitlines(keepends=True)]
        found = [json.loads(line) for line in lines if line.endswith("\n")]
        return sorted(found, key=lambda trace: (trace["attempt"], trace["step"], trace["rank"]))

    def ranks_at(self, gate: int, world: int, after: int) -> list[Trace]:
        """Those of so many ranks that wait at a gate, in an attempt later than `after`; [] while they do not."""
        traces = [each for each in self.traces() if each["attempt"] > after]
        at = [each for each in traces if each["attempt"] == traces[-1]["attempt"] and each["step"] == gate]
        return at if len(at) == world and at[0]["world"] == world else []

    def check_driver(self) -> None:
        logs = sorted(self.folder.glob("driver-*.log"))
        assert self.driver.poll() is None, f"ended with {self.driver.returncode}: {logs[-1].read_text()[-3000:]}"

    def wait_for(self, gate: int, world: int, after: int = 0) -> list[Trace]:
        deadline = time.monotonic() + 500
        while not (found := self.ranks_at(gate, world, after)):
            self.check_driver()
            assert time.monotonic() < deadline, f"no {world} ranks at step {gate}: {self.traces()[-3:]}"
            time.sleep(0.1)
        return found

    def open(self, gate: int) -> None:
        scratch = self.folder / "gate.tmp"
        scratch.write_text(str(gate))
        scratch.rename(self.folder / "gate")

    def blow(self, number: int, world: int, strike: Callable[[list[Trace]], None]) -> None:
        """Strike when so many ranks have come to a gate, and let whoever comes next go on to the following one."""
        ranks = self.wait_for(GATES[number], world, self.last)
        self.last = ranks[0]["attempt"]
        strike(ranks)
        self.open(GATES[number + 1])

    last = 0

    def kill_rank_1(self, ranks: list[Trace]) -> None:
        os.kill(ranks[1]["pid"], signal.SIGKILL)
        psutil.wait_procs([psutil.Process(ranks[1]["pid"])] if psutil.pid_exists(ranks[1]["pid"]) else [], 30)

    def remove_node(self, ranks: list[Trace]) -> None:
        (node,) = (each for each in self.cluster.worker_nodes if each.node_id == ranks[1]["node"])
        self.cluster.remove_node(node, allow_graceful=False)

    def add_node(self, ranks: list[Trace]) -> None:
        self.cluster.add_node(num_cpus=1)
        # the one rank still waits at its gate: the group is stopped there to be made larger
        while not any(each["world"] == 2 for each in self.traces() if each["attempt"] > self.last):
            self.check_driver()
            time.sleep(0.1)

    def kill_driver(self, ranks: list[Trace]) -> None:
        self.driver.kill()
        self.driver.wait()
        workers = [psutil.Process(each["pid"]) for each in ranks if psutil.pid_exists(each["pid"])]
        assert psutil.wait_procs(workers, 60)[1] == []
        self.driver = self.start()


def main(folder: Path) -> None:
    tiny_encoder(resolve_model(EMBEDDED_ENCODER), folder / "encoder")
    (folder / "gate").write_text(str(GATES[0]))
    story = Story(folder)
    try:
        story.blow(0, 2, story.kill_rank_1)
        story.blow(1, 2, story.remove_node)
        story.blow(2, 1, story.add_node)
        story.blow(3, 2, story.kill_driver)
        assert story.driver.wait(500) == 0
        (folder / "traces.json").write_text(json.dumps(story.traces()))
    finally:
        if story.driver.poll() is None:
            story.driver.kill()
        story.cluster.shutdown()


if __name__ == "__main__":
    drive(Path(sys.argv[1]), sys.argv[2]) if len(sys.argv) > 2 else main(Path(sys.argv[1]))
