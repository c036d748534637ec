"""The commands, as a user calls them."""

from __future__ import annotations

import json

import pytest

from cluster.audit.lots import current_lot
from cluster.store import Store
from tests.cluster.audit.cases import judge, make_run
from tests.cluster.test_cli_errors import contents, labelmill


@pytest.fixture
def made(store: Store) -> Store:
    make_run(store)
    return store


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["--accept", "20%"], "assurance: accept must be below reject, 0.08; got 0.2"),
        (["--accept", "two"], "--accept: must be a valid number"),
        (["--consumer-risk", "70%"], "--consumer-risk: must be less than 0.5; got '70%'"),
        (["--plan", "double"], "--plan: must be 'sequential', 'fixed' or 'zero_failure'; got 'double'"),
        (["--accept", "2%", "--reject", "2.01%", "--plan", "fixed"], ""),  # a lot of 600 can be checked whole
    ],
)
def test_a_plan_or_one_line_that_says_what_is_wrong(made: Store, options: list[str], problem: str) -> None:
    before = contents(made.root)
    done = labelmill(made.root.parent, ["audit", "plan", "run", *options])
    assert done.returncode == (2 if problem else 0)
    assert done.stderr.startswith(f"labelmill: {problem}") if problem else not done.stderr
    assert len(done.stderr.splitlines()) == bool(problem)
    assert contents(made.root) == before


def test_a_plan_as_json_and_as_lines(made: Store) -> None:
    told = ["audit", "plan", "run", "--accept", "2%", "--reject", "8%", "--risk", "5%"]
    found = json.loads(labelmill(made.root.parent, [*told, "--json"]).stdout)
    assert (found["lot"], found["cap"], found["consumer_risk"]) == (600, 130, 0.05)
    assert found["bad"]["passes"] <= 0.05 <= 1 - found["good"]["passes"] + 0.05
    lines = labelmill(made.root.parent, told).stdout.splitlines()
    assert lines[0] == "sequential plan for a lot of 600 rows"
    assert lines[1].endswith("never more than 130")


def test_from_a_lot_to_a_release(made: Store) -> None:
    folder = made.root.parent
    missing = labelmill(folder, ["audit", "status", "run"])
    assert (missing.returncode, missing.stderr) == (
        2,
        "labelmill: run: has no lot yet; `labelmill audit open` draws one\n",
    )
    opened = labelmill(folder, ["audit", "open", "run", "--plan", "fixed"])
    assert opened.stdout == "lot 0 of v000: 107 of 600 rows drawn, fixed\n"
    early = labelmill(folder, ["audit", "release", "run"])
    assert early.returncode == 2
    assert "lot 0 is open: 0 rows checked" in early.stderr
    lot = current_lot(made)
    assert lot is not None
    judge(made, lot)
    status = json.loads(labelmill(folder, ["audit", "status", "run", "--json"]).stdout)
    assert (status["decision"]["state"], status["verdicts"]) == ("passed", 107)
    released = labelmill(folder, ["audit", "release", "run"])
    assert (released.returncode, released.stdout) == (0, f"released  {made.root}/dataset/v000-lot000\n")


def test_a_failed_lot_exits_with_2_and_says_what_comes_next(made: Store) -> None:
    folder = made.root.parent
    labelmill(folder, ["audit", "open", "run"])
    lot = current_lot(made)
    assert lot is not None
    judge(made, lot, bad=[row.id for row in lot.sample[:9]])
    done = labelmill(folder, ["audit", "release", "run"])
    assert done.returncode == 2
    assert "the lot failed, with 3 defects in 3 rows, and is not released" in done.stderr
    assert not (made.root / "dataset" / "released").exists()
