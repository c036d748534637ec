"""Gains over what is free, by set."""

from __future__ import annotations

from yardstick.claim import claim
from yardstick.summary import Result, summarise

FREE = ["seeds", "eda"]


def at(k: int, name: str, arm: str, accuracy: float) -> Result:
    return Result("probe", name, k, 0, arm, "key", accuracy, rows=0, tokens=0, seconds=1.0)


def test_each_set_is_held_against_its_own_best_free_arm() -> None:
    cells = [
        at(5, "house", "seeds", 60.0),
        at(5, "house", "eda", 62.0),
        at(5, "house", "labelmill", 65.0),
        at(5, "house", "real rows", 68.0),
        at(10, "house", "seeds", 66.0),
        at(5, "shop", "seeds", 80.0),
        at(5, "shop", "eda", 70.0),
        at(5, "shop", "labelmill", 79.0),
        at(5, "shop", "real rows", 80.0),
    ]
    table = claim(summarise(cells, FREE)).splitlines()[2:]
    assert table == [
        "| labelmill over the best free arm, k = 5 | 2 | +1.0 | -1.0 |",
        "| labelmill at k = 5 over the best free arm at k = 10 | 1 | -1.0 | -1.0 |",
        # where real rows bring nothing there is no way to go
        "| percent of the way from the best free arm to real rows, k = 5 | 1 | +50.0 | +50.0 |",
    ]
