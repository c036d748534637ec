"""A whole run of a method that trains: a mixture of soft prompts, from seeds to rows that name it."""

from __future__ import annotations

import json
from pathlib import Path

from cluster.store import Store
from generation.adapters.folder import read_adapter
from tests.chaos.driver import Driver

SETTINGS = [
    *("generation.method=mixture", "generation.exemplars=2", "adapt.epochs=3", "adapt.prompt_rate=0.5"),
    *("adapt.instruction_tokens=8", "adapt.tokens=4", "quota=2", "student.judge_steps=5", "student.steps=5"),
]


def test_a_run(tmp_path: Path) -> None:
    driver = Driver(tmp_path / "run", *(part for setting in SETTINGS for part in ("--set", setting)))
    driver.finish()
    store, trained = Store(driver.run), driver.run / "rounds" / "000" / "adapters"
    told = json.loads((trained / "training.json").read_text())
    assert (told["without_effect"], told["steps"]) == ([], 3)
    assert json.loads((trained / "adapters.json").read_text()) == dict.fromkeys(
        ("lost_pet", "bake_sale", "band_practice"), "all"
    )
    adapter = read_adapter(trained / "all")
    assert (adapter.kind, adapter.tokens) == ("mixture", 12)
    rows = store.generated(0)
    assert set(rows["adapter"].to_pylist()) == {adapter.id}
    assert set(rows["method"].to_pylist()) == {"mixture"}
    # what engines loaded, and what a run that is moved takes with it
    assert read_adapter(driver.run / "adapters" / adapter.id).id == adapter.id
    metrics = json.loads((driver.run / "rounds" / "000" / "metrics.json").read_text())
    assert metrics["generated"] == rows.num_rows > 0
    assert not (driver.run / "training").exists() or not list((driver.run / "training").glob("adapters-*"))
