"""`labelmill budget` on runs whose rows are written by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from cluster.budgeting import Wanted, advise, render
from cluster.dataset import materialise
from cluster.store import Store
from generation.errors import UserError
from generation.records import row_id
from tests.cluster.cases import RUN_ID, add_rows, add_verdicts, begin_round, verdict
from tests.cluster.test_cli_errors import labelmill

NAMES = [f"pos-{number}" for number in range(10)]


def sure(confidence: float) -> dict[str, float]:
    return {"judge_confidence": confidence, "judge_margin": 0.5, "judge_intended": confidence}


@pytest.fixture
def judged(store: Store) -> Store:
    """Ten kept rows, of which the judge doubts two."""
    store.write_json("run.json", {"run_id": RUN_ID})
    begin_round(store, {"pos": 10})
    add_rows(store, NAMES)
    add_verdicts(
        store,
        [verdict(name, scores=sure({"pos-3": 0.6, "pos-7": 0.8}.get(name, 1.0)), revision=0) for name in NAMES],
    )
    materialise(store, 0, RUN_ID)
    return store


def said(name: str, defect: float, confidence: float, **changes: Any) -> dict[str, Any]:
    scores = {**sure(confidence), "defect": defect, "seconds": 4.0}
    return verdict(name, revision=1, stage="audit", reason="confirmed", scores=scores, **changes)


def test_the_least_sure_rows_go_to_people(judged: Store) -> None:
    advice = advise(judged, Wanted(money=0.25, human=0.1, lm=0.0))
    assert advice.least_sure["id"].to_pylist() == [row_id("pos-3", 0), row_id("pos-7", 0)]
    assert advice.least_sure["wrong"].to_pylist() == pytest.approx([0.4, 0.2], abs=1e-6)
    assert (advice.in_hand.rows, advice.in_hand.checked, advice.verdicts) == (10, 2, 0)
    assert advice.in_hand.wrong == pytest.approx(0.0, abs=1e-3)
    assert advice.splits == () and advice.best is None  # without a limit, rows that cost nothing have no number
    assert "new rows cost nothing" in render(advice, Wanted(0.25, 0.1, 0.0))


def test_new_rows_are_taken_to_be_like_those_in_hand(judged: Store) -> None:
    advice = advise(judged, Wanted(money=10, human=0.1, lm=0.01, noise=0.02))
    assert [(each.rows, each.checked) for each in advice.splits] == [
        (1000, 0),
        (666, 33),
        (500, 50),
        (333, 66),
        (166, 83),
        (90, 90),
    ]
    assert advice.best is not None
    assert (advice.best.rows, advice.best.checked) == (498, 50)  # no row is quite certain
    assert advice.best.wrong == pytest.approx(0.02, abs=1e-6)


def test_what_people_said_moves_the_chances(judged: Store) -> None:
    add_verdicts(judged, [said("pos-3", 1.0, 0.6), said("pos-0", 0.0, 1.0)], "a0")
    advice = advise(judged, Wanted(money=1, human=0.1, lm=0.0))
    assert advice.verdicts == 2
    assert advice.in_hand.rows == 8
    assert advice.least_sure["id"].to_pylist()[0] == row_id("pos-7", 0)


def test_what_was_taken_back_does_not_count(judged: Store) -> None:
    add_verdicts(judged, [said("pos-3", 1.0, 0.6)], "a0")
    back = said("pos-3", 1.0, 0.6) | {"revision": 2, "reason": "undone"}
    add_verdicts(judged, [back], "a1")
    assert advise(judged, Wanted(1, 0.1, 0.0)).verdicts == 0


def test_a_run_without_prices_must_be_told_one(judged: Store) -> None:
    with pytest.raises(UserError, match="has no prices; give --lm PRICE"):
        advise(judged, Wanted(1, 0.1))


def test_a_run_without_a_judge_has_nothing_to_go_by(store: Store) -> None:
    begin_round(store, {"pos": 10})
    add_rows(store, NAMES)
    add_verdicts(store, [verdict(name) for name in NAMES])
    materialise(store, 0, RUN_ID)
    with pytest.raises(UserError, match="no judge's opinion"):
        advise(store, Wanted(1, 0.1, 0.0))


def test_the_command(judged: Store, tmp_path: Path) -> None:
    out = tmp_path / "rows.parquet"
    spent = ["budget", str(judged.root), "--money", "1", "--human", "0.1", "--lm", "0.01"]
    done = labelmill(tmp_path, [*spent, "--out", str(out)])
    assert (done.returncode, done.stderr) == (0, "")
    assert "the judge alone" in done.stdout and "most rows with 2.0% wrong or fewer" in done.stdout
    assert pq.read_table(out).column_names == ["id", "text", "label", "wrong"]
    told = labelmill(tmp_path, [*spent, "--json"])
    assert json.loads(told.stdout)["in_hand"]["checked"] == 10


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--money", "-1", "--human", "1"], "--money: must be 0 or more; got -1"),
        (["--money", "1", "--human", "1", "--noise", "2"], "--noise: must be a share in 0..1; got 2"),
    ],
)
def test_odd_wishes_are_refused(judged: Store, tmp_path: Path, arguments: list[str], named: str) -> None:
    done = labelmill(tmp_path, ["budget", str(judged.root), *arguments])
    assert (done.returncode, done.stderr) == (2, f"labelmill: {named}\n")
