"""Real kills of real processes, one after another on one run (story.py); then everything must be there, once."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from cluster.run import Run
from cluster.store import Store
from denoise.waterfall import waterfall
from generation.records import expected_row_ids
from tests.chaos.story import Story


def test_no_process_outlives_its_driver(story: Story) -> None:
    assert story.left_alive == {"generating": []}


def test_a_second_driver_is_refused(story: Story) -> None:
    code, output = story.second_driver
    assert code == 2
    assert output.count("\n") == 1
    assert "another driver holds this run (pid " in output


def test_the_log_says_what_was_reused(story: Story) -> None:
    assert "resumed" not in story.outputs["generating"]
    assert "resumed round 0: " in story.outputs["last"]


def test_a_dead_engine_is_replaced_and_its_loss_counted(story: Story) -> None:
    assert "engine d0001-e000-i000 died" in story.outputs["generating"]
    assert "requests issued again" in story.outputs["generating"]
    names = {Path(path).name for path in story.parts["last"]}
    assert any(name.startswith("part-d0001-e000-i001-") for name in names)


def test_committed_parts_are_never_touched(story: Story) -> None:
    assert len(story.parts["generating"]) >= 2
    assert story.parts["generating"].items() <= story.parts["last"].items()


def test_ids_are_the_plan_each_once(story: Story) -> None:
    store = Store(story.run)
    committed = store.generated(0, ["id"])["id"].to_pylist()
    assert sorted(committed) == sorted(expected_row_ids(store.requests(0)))
    assert len(set(committed)) == len(committed)
    assert list(store.open_requests(0)) == []


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
    assert {"d0001-e000-i000", "d0001-e000-i001"} <= engines


def test_nothing_half_written_is_left(story: Story) -> None:
    assert [path for path in story.run.rglob("*") if path.name.endswith(".tmp")] == []
