"""The page over a lot as it is drawn: its decision ends the work, its end refuses more."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cluster.audit.findings import read_findings
from cluster.audit.lots import Lot, open_lot
from cluster.audit.release import settle
from cluster.review.desk import Desk, TakenError
from cluster.review.leases import Leases
from cluster.review.ledger import Ledger
from cluster.review.verdicts import Answer
from cluster.store import Store
from denoise.audit.assurance import Assurance
from tests.cluster.review.cases import row
from tests.cluster.review.test_transfer import run_of


@pytest.fixture
def run(tmp_path: Path) -> Store:
    return run_of(tmp_path / "run", [row(f"r{n:03}", f"text {n}", ("late", "refund")[n % 2]) for n in range(300)])


def judge(desk: Desk, who: str, answer: Answer, most: int = 300) -> int:
    """One answer for every row that the person gets; returns how many that were."""
    for number in range(most):
        case = desk.next_for(who)
        if case is None:
            return number
        desk.answer(who, case.id, answer)
    return most


def opened(store: Store, **more: Any) -> tuple[Lot, Desk]:
    lot = open_lot(store, Assurance(**more))
    return lot, Desk(Ledger(store), lot, Leases(60))


def test_good_rows_pass_and_what_was_committed_says_the_same(run: Store) -> None:
    lot, desk = opened(run)
    given = judge(desk, "anna", Answer(seconds=2))
    assert desk.decision().state == "passed"
    assert 20 < given < len(lot.sample)
    findings = read_findings(run, lot)
    assert findings.decision == desk.decision()
    assert (len(findings.outcomes), findings.seconds_per_row) == (given, 2.0)


def test_bad_rows_fail_it_sooner(run: Store) -> None:
    _, desk = opened(run)
    assert judge(desk, "anna", Answer(keep=False)) < 10
    assert desk.decision().state == "failed"
    assert desk.undo("anna")
    assert desk.decision().state == "open"


def test_after_the_decision_only_rows_that_it_did_not_need_are_shown(run: Store) -> None:
    lot, _ = opened(run)
    sample = tuple(each._replace(decides=place < len(lot.sample) - 3) for place, each in enumerate(lot.sample))
    desk = Desk(Ledger(run), replace(lot, sample=sample), Leases(60))
    judge(desk, "anna", Answer())
    before = desk.decision()
    assert (before.state, desk.progress("anna").beyond) == ("passed", 3)
    desk.go_beyond("anna")
    assert judge(desk, "anna", Answer(keep=False)) == 3
    assert desk.decision() == before


def test_a_lot_that_was_closed_takes_no_more_answers(run: Store) -> None:
    lot, desk = opened(run)
    judge(desk, "anna", Answer())
    settle(run, lot, desk.decision())
    parts = len(run.parts(0, "verdicts"))
    with pytest.raises(TakenError, match="has been closed meanwhile"):
        desk.undo("anna")
    assert len(run.parts(0, "verdicts")) == parts
