"""Doubtful rows of pools go to people."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from cluster.feed.queue import open_queue
from cluster.feed.record import FOR_PEOPLE, STAGE, WAITS
from cluster.review.desk import Desk
from cluster.review.leases import Leases
from cluster.review.ledger import Ledger
from cluster.review.verdicts import Answer
from cluster.store import Store
from generation.errors import UserError
from tests.cluster.review.cases import machine, make_run, row

NAMES = ("sure", "doubtful", "worst", "waits")


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    rows = [row(name, f"text {name}", source="pool", intended_label=None) for name in NAMES]
    held = {"status": "held", "stage": STAGE, "weight": 0.0}
    verdicts = [
        machine("sure", stage=STAGE),
        machine("doubtful", reason=FOR_PEOPLE, scores={"label_wrong": 0.3}, **held),
        machine("worst", "refund", reason=FOR_PEOPLE, scores={"label_wrong": 0.7}, **held),
        machine("waits", reason=WAITS, scores={"label_wrong": 0.2}, **held),
    ]
    store = make_run(tmp_path / "run", rows, verdicts)
    return Desk(Ledger(store), open_queue(store), Leases(600), lambda: datetime(2026, 1, 1, tzinfo=UTC))  # type: ignore[arg-type]


def test_the_least_sure_comes_first_and_nothing_else_comes(desk: Desk) -> None:
    assert [(case.id, case.label) for case in desk.cases.values()] == [("worst", "refund"), ("doubtful", "late")]


def test_what_people_confirm_or_correct_joins(desk: Desk) -> None:
    store: Store = desk.ledger.store
    assert store.kept([0])["id"].to_pylist() == ["sure"]
    for answer in (Answer(label="broken"), Answer()):
        case = desk.next_for("ann")
        assert case is not None
        desk.answer("ann", case.id, answer)
    assert desk.next_for("ann") is None
    kept = store.kept([0])
    assert dict(zip(kept["id"].to_pylist(), kept["label"].to_pylist(), strict=True)) == {
        "sure": "late",
        "doubtful": "late",
        "worst": "broken",
    }
    assert (desk.decision().state, desk.decision().checked, desk.decision().defects) == ("open", 2, 1)
    assert [each.id for each in open_queue(store).sample] == ["worst", "doubtful"]


def test_an_undone_answer_waits_again(desk: Desk) -> None:
    case = desk.next_for("ann")
    assert case is not None
    desk.answer("ann", case.id, Answer())
    assert "worst" in desk.ledger.store.kept([0])["id"].to_pylist()
    assert desk.undo("ann")
    assert desk.ledger.store.kept([0])["id"].to_pylist() == ["sure"]


def test_a_run_without_doubtful_rows(tmp_path: Path) -> None:
    store = make_run(tmp_path / "run", [row("one", "a text")])
    with pytest.raises(UserError, match="no row of a pool waits for people; `labelmill feed` brings some"):
        open_queue(store)
