"""A whole run whose texts a server writes, with a price: what it costs is shown, and its key stands nowhere."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.driver import Driver
from tests.cluster.misbehaving import BUSY, MODEL, RESET, serving

KEY = "sk-planted-0123456789abcdef"
BUDGET = 6.0
SETTINGS = [
    *("quota=60", "student.judge_steps=5", "student.steps=5", "server.key_env=SCRIBE_KEY", f"server.model={MODEL}"),
    *("prices.prompt=1000", "prices.output=2000", "prices.cached=500", f"cost_budget={BUDGET}"),
]


def write(body: dict[str, Any], index: int) -> str:
    """Words of the prompt's exemplars, in another order."""
    lines = [line.split(". ", 1)[1] for line in body["prompt"].splitlines() if line[:1].isdigit() and ". " in line]
    words = " ".join(lines).split()
    return " ".join(random.Random(body["seed"] + index).sample(words, min(8, len(words))))


def test_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCRIBE_KEY", KEY)
    with serving() as server:
        server.write = write
        server.script.extend([BUSY, RESET])
        options = [part for setting in [*SETTINGS, f"server.url={server.url}"] for part in ("--set", setting)]
        driver = Driver(tmp_path / "run", *options)
        output = driver.finish()
        assert set(server.keys) == {f"Bearer {KEY}"}

    metrics = json.loads((driver.run / "rounds" / "000" / "metrics.json").read_text())
    assert metrics["stop_reason"] == "cost_budget"
    kept = sum(metrics["accepted"].values())
    assert kept > 0
    cost = metrics["cost"]["total"]
    assert 0 < cost <= BUDGET
    assert metrics["cost"]["per_accepted_row"] == pytest.approx(cost / kept, abs=1e-6)
    tokens, rows = metrics["tokens"], metrics["generated"]
    # 20 prompt tokens a request of four rows, 8 of them cached; 3 output tokens a row; lost ones at their most
    assert (tokens["prompt"], tokens["output"]) == (5 * rows, 3 * rows)
    assert cost == pytest.approx((12 * rows / 4 + 4 * rows / 4 + 6 * rows + 2 * tokens["lost"]) / 1000, abs=1e-5)

    shown = subprocess.run(
        [sys.executable, "-m", "cluster", "status", str(driver.run)], capture_output=True, text=True, check=True
    )
    assert f"cost {cost:.4g}, {cost / kept:.4g} per accepted row" in shown.stdout.splitlines()
    assert "Cost per kept row" in (driver.run / "report.html").read_text()

    ray_logs = Path(tempfile.gettempdir(), "ray").glob(f"session_*_{driver.process.pid}")
    files = [path for folder in (tmp_path, *ray_logs) for path in folder.rglob("*") if path.is_file()]
    assert {"run.json", "log.jsonl", "driver.log", "raylet.out"} <= {path.name for path in files}
    assert [path for path in files if KEY.encode() in path.read_bytes()] == []
    assert KEY not in output
