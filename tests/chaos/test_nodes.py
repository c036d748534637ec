"""A real Ray of several nodes on this machine: one is killed, one gets notice; another joins while work goes on."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from cluster.store import Store
from tests.cluster.cases import add_requests, begin_round

NAMES = [f"pos-{number}" for number in range(3200)]


def strike(root: Path, how: str) -> dict[str, Any]:
    """What the pool said of it."""
    root.mkdir()
    store = Store(root)
    begin_round(store, {"pos": 1})
    add_requests(store, NAMES)
    command = [sys.executable, "-m", "tests.chaos.nodes", str(root), how]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1000)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def engines_after(root: Path) -> set[str]:
    """Every planned row is there once; returns the engines that made them."""
    store = Store(root)
    assert sorted(store.generated(0)["id"].to_pylist()) == sorted(f"{name}/0" for name in NAMES)
    assert list(store.open_requests(0)) == []
    return {Path(part).name.removeprefix("part-")[:15] for part in store.parts(0, "generated")}


def test_a_killed_node_costs_what_was_in_flight(tmp_path: Path) -> None:
    told = strike(tmp_path / "run", "kill")
    # one that is placed on the dead node before Ray knows of its death has no row, and is replaced in turn
    engines = engines_after(tmp_path / "run")
    assert {"d0001-e000-i000", "d0001-e001-i000"} < engines
    assert len(engines) == 3
    assert told["log"][0].startswith("engine d0001-e000-i000 died (")
    assert told["lost"] <= 4 * 3  # what it had made and not told of: four rows of three tokens
    assert len(set(told["nodes"].values())) == 3


def test_a_node_with_notice_is_left_in_time(tmp_path: Path) -> None:
    told = strike(tmp_path / "run", "drain")
    assert engines_after(tmp_path / "run") == {"d0001-e000-i000", "d0001-e000-i001", "d0001-e001-i000"}
    assert told["log"] == ["engine d0001-e000-i000: its node will go away; it finishes what it has, another starts"]
    assert told["lost"] == 0
    assert len(set(told["nodes"].values())) == 3
