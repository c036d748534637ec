"""A student that loses a worker, a node and its driver on the way, on a real Ray of several nodes."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.students import BATCH, GATES, STEPS, make_job
from tests.training.cases import SEEDS
from training.job import StudentJob, StudentResult
from training.order import global_batch
from training.trainer import StudentTrainer

pytestmark = pytest.mark.timeout(1800)

Attempt = dict[int, list[dict[str, Any]]]  # the traces of each step, one of each rank


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where it all happened."""
    folder = tmp_path_factory.mktemp("student")
    command = [sys.executable, "-m", "tests.chaos.students", str(folder)]
    with (folder / "story.log").open("w") as log:
        story = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    try:
        assert story.wait(1700) == 0, (folder / "story.log").read_text()[-3000:]
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(story.pid, signal.SIGKILL)  # nothing where all went well; else its driver
    return folder


@pytest.fixture
def attempts(folder: Path) -> list[Attempt]:
    """One for each group of workers, in their order."""
    traces = json.loads((folder / "traces.json").read_text())
    by_attempt = itertools.groupby(traces, key=lambda trace: trace["attempt"])
    return [
        {step: list(found) for step, found in itertools.groupby(group, key=lambda trace: trace["step"])}
        for _, group in by_attempt
    ]


def worlds(attempts: list[Attempt]) -> list[int]:
    return [next(iter(attempt.values()))[0]["world"] for attempt in attempts]


def test_the_group_is_as_large_as_its_cluster(attempts: list[Attempt]) -> None:
    """Two nodes and a worker killed, one node, two nodes again, a driver killed."""
    assert worlds(attempts) == [2, 2, 1, 2, 2]
    reached = [max(attempt) for attempt in attempts]
    # it waits at a gate, which opens with the blow: some steps may come before that is felt
    assert all(
        gate <= step < GATES[place + 1] for place, (gate, step) in enumerate(zip(GATES, reached[:4], strict=False))
    )
    assert reached[-1] == STEPS - 1


def test_each_goes_on_from_a_checkpoint(attempts: list[Attempt]) -> None:
    for before, after in itertools.pairwise(attempts):
        assert 0 < min(after) <= max(before)


def test_resumes_are_counted_with_the_checkpoint(attempts: list[Attempt]) -> None:
    """One that was struck before its first checkpoint left no count: the next went on from where it had."""
    counts = [next(iter(attempt.values()))[0]["resumes"] for attempt in attempts]
    assert counts[:2] == [0, 1]
    assert all(count - 1 in counts[:place] for place, count in enumerate(counts) if place)


def test_ranks_share_every_batch_whatever_their_number(attempts: list[Attempt]) -> None:
    whole = 0
    for attempt in attempts:
        for step, traces in attempt.items():
            if len(traces) == traces[0]["world"]:  # else some rank was struck before it came so far
                taken = sorted(place for trace in traces for place in trace["places"])
                assert taken == sorted(global_batch(step, BATCH, len(SEEDS), seed=0))
                whole += 1
    assert whole >= STEPS


def test_every_row_is_learnt_from_once_an_epoch(attempts: list[Attempt]) -> None:
    """What counts of a step is its last repetition: earlier ones were lost with what came after their checkpoint."""
    last = {step: traces for attempt in attempts for step, traces in attempt.items()}
    assert sorted(last) == list(range(STEPS))
    steps = len(SEEDS) // BATCH
    for epoch in range(STEPS // steps):
        traces = [trace for step in range(epoch * steps, (epoch + 1) * steps) for trace in last[step]]
        assert sorted(place for trace in traces for place in trace["places"]) == list(range(len(SEEDS)))


def test_it_is_the_student_of_an_unbroken_run(folder: Path, tmp_path: Path) -> None:
    job = make_job(folder)
    found = StudentResult.load(job.output)
    plain = StudentJob(**{name: getattr(job, name) for name in StudentJob.__dataclass_fields__})
    wanted = StudentTrainer(replace(plain, output=tmp_path / "unbroken")).run()
    assert found.steps == wanted.steps == STEPS
    assert [look.step for look in found.curve] == [look.step for look in wanted.curve]
    assert [look.loss for look in found.curve] == pytest.approx([look.loss for look in wanted.curve], rel=2e-2)
    assert found.curve[-1].macro_f1 == pytest.approx(wanted.curve[-1].macro_f1, abs=0.1)
    assert list((folder / "storage").iterdir()) == []
