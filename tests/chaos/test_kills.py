"""Real kills of real processes, one after another on one run; then everything must be there, once.

The story: killed while generating; resumed, the engine core killed, then the driver while denoising; resumed, killed
while training the student; resumed to the end; run once more.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import signal
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from cluster.run import Run
from cluster.store import Store
from denoise.waterfall import waterfall
from generation.records import expected_row_ids
from tests.chaos.driver import Driver, engine_processes, survivors


@dataclass
class Story:
    """What was seen on the way."""

    run: Path
    left_alive: dict[str, list[str]] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    parts: dict[str, dict[str, str]] = field(default_factory=dict)
    second_driver: tuple[int, str] = (0, "")

    def note_parts(self, moment: str) -> None:
        """Digests of all committed parts at a moment."""
        found = self.run.glob("rounds/*/*/part-*.parquet")
        self.parts[moment] = {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}

    def kill(self, moment: str, driver: Driver) -> None:
        """SIGKILL the driver, and see what lives on."""
        family = driver.kill()
        self.left_alive[moment] = [f"{process.pid} {process.name()}" for process in survivors(family)]
        self.outputs[moment] = driver.output
        self.note_parts(moment)


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    run = tmp_path_factory.mktemp("kills") / "run"
    story, store = Story(run), Store(run)

    driver = Driver(run)
    driver.wait_for(lambda: len(store.parts(0, "generated")) >= 2)
    second = Driver(run)
    story.second_driver = (second.process.wait(60), second.output)
    story.kill("generating", driver)

    driver = Driver(run)
    known = len(store.parts(0, "generated"))
    driver.wait_for(lambda: len(store.parts(0, "generated")) > known)
    os.kill(engine_processes(driver.family())[0].pid, signal.SIGKILL)
    driver.wait_for(lambda: driver.says("denoising"), 400)
    story.kill("denoising", driver)

    driver = Driver(run)
    driver.wait_for(lambda: driver.says("training student"), 400)
    story.kill("training", driver)

    driver = Driver(run)
    story.outputs["last"] = driver.finish(400)
    story.note_parts("last")
    return story


pytestmark = pytest.mark.timeout(1500)


def test_no_process_outlives_its_driver(story: Story) -> None:
    assert story.left_alive == {"generating": [], "denoising": [], "training": []}


def test_a_second_driver_is_refused(story: Story) -> None:
    code, output = story.second_driver
    assert code == 2
    assert output.count("\n") == 1
    assert "another driver holds this run (pid " in output


def test_the_log_says_what_was_reused(story: Story) -> None:
    assert "resumed" not in story.outputs["generating"]
    for moment in ("denoising", "training", "last"):
        assert "resumed round 0: " in story.outputs[moment]


def test_a_dead_engine_is_replaced_and_its_loss_counted(story: Story) -> None:
    assert "engine d0002-e000-i000 died" in story.outputs["denoising"]
    assert "requests issued again" in story.outputs["denoising"]
    names = {Path(path).name for path in story.parts["last"]}
    assert any(name.startswith("part-d0002-e000-i001-") for name in names)


def test_committed_parts_are_never_touched(story: Story) -> None:
    moments = ["generating", "denoising", "training", "last"]
    for earlier, later in itertools.pairwise(moments):
        assert story.parts[earlier].items() <= story.parts[later].items()


def test_ids_are_the_plan_each_once(story: Story) -> None:
    store = Store(story.run)
    committed = store.generated(0, ["id"])["id"].to_pylist()
    assert sorted(committed) == sorted(expected_row_ids(store.requests(0)))
    assert len(set(committed)) == len(committed)
    assert store.open_requests(0) == []


def test_every_row_has_one_verdict_and_the_waterfall_sums(story: Story) -> None:
    run = Run.open(story.run)
    rows = run.rows()
    assert sum(step.count for step in waterfall(rows, run.verdicts())) == rows.num_rows


def test_quotas_are_met(story: Story) -> None:
    metrics = Run.open(story.run).metrics()
    assert metrics is not None
    assert metrics["stop_reason"] == "quota_met"
    assert Counter(Run.open(story.run).dataset()["label"].to_pylist()) == {
        "lost_pet": 8,
        "bake_sale": 8,
        "band_practice": 8,
    }


def test_rows_carry_the_live_engine(story: Story) -> None:
    run = Run.open(story.run)
    assert set(run.rows()["model_hash"].to_pylist()) == {
        json.loads((story.run / "run.json").read_text())["model"]["hash"]
    }
    engines = set(run.rows()["engine"].to_pylist())
    assert {"d0001-e000-i000", "d0002-e000-i001"} <= engines


def test_nothing_half_written_is_left(story: Story) -> None:
    assert [path for path in story.run.rglob("*") if path.name.endswith(".tmp")] == []
