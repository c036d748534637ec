"""Seeds that fill quotas."""

from __future__ import annotations

from pathlib import Path

import pytest

from cluster.rounds import Round, current_round
from cluster.store import Store
from cluster.top_up import check_quotas, counted_seeds, missing_rows
from generation.errors import UserError
from generation.task import Example, Label, Task
from tests.cluster.cases import add_rows, add_verdicts, config, finish_round, verdict

LABELS = (Label(name="pos", description="Likes it."), Label(name="neg", description="Does not."))


def task(pos: int, neg: int) -> Task:
    seeds = [
        Example(f"{label} {index}", label) for label, count in (("pos", pos), ("neg", neg)) for index in range(count)
    ]
    return Task("reviews", "Reviews.", LABELS, tuple(seeds))


def test_by_default_seeds_fill_nothing() -> None:
    assert counted_seeds(config(quota=5), task(9, 1)) == {}
    assert missing_rows(config(quota=5, rounds=2), task(9, 1)) == 20


def test_what_seeds_leave() -> None:
    settings = config(quota=5, rounds=2, quota_counts="rows_and_seeds")
    assert counted_seeds(settings, task(9, 0)) == {"pos": 9}
    assert missing_rows(settings, task(9, 0)) == 1 + 10
    assert missing_rows(settings, task(30, 4)) == 6


def test_seeds_that_fill_all_are_refused() -> None:
    settings = config(quota=5, quota_counts="rows_and_seeds")
    check_quotas(Path("task.yaml"), settings, task(5, 4))
    with pytest.raises(UserError) as raised:
        check_quotas(Path("task.yaml"), settings, task(7, 5))
    assert str(raised.value) == (
        "task.yaml: quota: times rounds must be above the seeds of some label, with quota_counts: rows_and_seeds; "
        "got 5, and 'neg', which has the fewest, has 5"
    )


def test_rounds_fill_up_rare_labels(store: Store) -> None:
    settings = config(quota=4, rounds=2, quota_counts="rows_and_seeds")
    counted = {"pos": 7, "neg": 1}
    assert current_round(store, settings, (), counted) == Round(
        0, {"pos": 0, "neg": 3}, 4, None, moved={"pos": -7, "neg": -1}
    )
    add_rows(store, ["neg-0", "neg-1", "neg-2"])
    add_verdicts(store, [verdict(name) for name in ("neg-0", "neg-1", "neg-2")])
    finish_round(store)
    assert current_round(store, settings, (), counted) == Round(
        1, {"pos": 1, "neg": 4}, 8, None, moved={"pos": -7, "neg": -1}
    )
