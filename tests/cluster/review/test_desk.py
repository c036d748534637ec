"""Who gets which row, what is on disk after each answer, and what a new server makes of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from cluster.review.desk import Desk, TakenError
from cluster.review.leases import Leases
from cluster.review.ledger import Ledger
from cluster.review.verdicts import Answer
from cluster.store import Store
from generation.errors import UserError
from generation.parts import read_parts
from generation.records import ROW_SCHEMA
from tests.cluster.review.cases import FakeLot, lot_of, make_run, messages
from tests.cluster.review.test_leases import Clock


def desk_of(store: Store, second: str = "", clock: Clock | None = None, count: int = 4) -> Desk:
    leases = Leases(60, clock or Clock())
    return Desk(Ledger(store), lot_of(messages(count), second.split()), leases)


def at(desk: Desk, who: str) -> str | None:
    case = desk.next_for(who)
    return case.id if case else None


@pytest.fixture
def run(tmp_path: Path) -> Store:
    return make_run(tmp_path / "run", messages(4))


def test_no_two_people_get_the_same_row(run: Store) -> None:
    desk = desk_of(run)
    assert [at(desk, who) for who in ("anna", "ben", "anna", "cleo")] == ["r00", "r01", "r00", "r02"]
    desk.answer("anna", "r00", Answer())
    assert at(desk, "anna") == "r03"
    desk.answer("anna", "r03", Answer())
    assert at(desk, "anna") is None


def test_rows_for_two_go_to_two_and_no_more(run: Store) -> None:
    desk = desk_of(run, second="r00")
    assert [at(desk, who) for who in ("anna", "ben", "cleo")] == ["r00", "r00", "r01"]
    desk.answer("anna", "r00", Answer())
    desk.answer("ben", "r00", Answer(label="broken"))
    assert [at(desk, who) for who in ("anna", "ben")] == ["r02", "r03"]
    assert desk.decision().checked == 1


def test_a_row_whose_lease_ran_out_goes_to_others(run: Store) -> None:
    clock = Clock()
    desk = desk_of(run, clock=clock)
    assert at(desk, "anna") == "r00"
    clock.now = 61
    assert at(desk, "ben") == "r00"
    assert not desk.renew("anna", "r00")
    with pytest.raises(TakenError, match="somebody else has it"):
        desk.answer("anna", "r00", Answer())
    clock.now = 200
    desk.answer("anna", "r00", Answer())  # nobody has it now
    assert desk.cases["r00"].history.given.keys() == {"anna"}


def test_answering_twice_changes_nothing(run: Store) -> None:
    desk = desk_of(run)
    desk.answer("anna", "r00", Answer())
    desk.answer("anna", "r00", Answer(keep=False))
    assert len(run.parts(0, "verdicts")) == 2
    with pytest.raises(TakenError, match="not in the sample"):
        desk.answer("anna", "r99", Answer())


def test_every_answer_is_a_part_that_holds_at_once(run: Store) -> None:
    desk = desk_of(run)
    desk.answer("anna", "r00", Answer(label="refund", seconds=3))
    desk.answer("anna", "r01", Answer(content={"text": "where is it"}))
    holding = {verdict["id"]: verdict for verdict in run.verdicts(0).to_pylist()}
    assert (holding["r00"]["label"], holding["r00"]["auditor"], holding["r00"]["revision"]) == ("refund", "anna", 2)
    assert dict(holding["r00"]["scores"]) == {"judge_confidence": 0.75, "seconds": 3.0, "defect": 1.0}
    new = holding["r01"]["survivor_id"]
    assert (holding["r01"]["status"], holding[new]["status"]) == ("rejected", "accepted")
    (row,) = read_parts(run.filesystem, run.parts(0, "people"), ROW_SCHEMA).to_pylist()
    assert (row["id"], row["text"], row["source"], row["seed_ids"]) == (new, "where is it", "human", ["r01"])


def test_a_new_desk_goes_on_where_the_old_one_was(run: Store) -> None:
    old = desk_of(run, second="r01")
    old.answer("anna", "r00", Answer(content={"text": "x"}))
    assert [at(old, "ben"), at(old, "anna")] == ["r01", "r01"]
    old.answer("ben", "r01", Answer(keep=False))
    old.skip("ben", "r02")
    new = desk_of(run, second="r01")
    assert [at(new, "anna"), at(new, "ben")] == ["r01", "r03"]
    assert new.cases == old.cases
    assert new.progress("ben") == old.progress("ben")
    assert new.undo("anna")
    again = desk_of(run, second="r01")
    assert again.cases["r00"].history.given == {}
    assert [history.is_kept for history in again.cases["r00"].made.values()] == [False]


def test_undo_goes_back_through_all_of_a_persons_answers(run: Store) -> None:
    desk = desk_of(run)
    for id in ("r00", "r01"):
        assert at(desk, "anna") == id
        desk.answer("anna", id, Answer(keep=False))
    assert at(desk, "ben") == "r02"
    assert desk.decision().defects == 2
    assert [(desk.undo("anna"), at(desk, "anna")) for _ in range(2)] == [(True, "r01"), (True, "r00")]
    assert (desk.undo("anna"), desk.undo("ben")) == (False, False)
    assert desk.decision().checked == 0
    statuses = {verdict["id"]: verdict["status"] for verdict in run.verdicts(0).to_pylist()}
    assert set(statuses.values()) == {"accepted"}


def test_skipped_rows_go_to_others_and_come_back_when_asked_for(run: Store) -> None:
    desk = desk_of(run, count=2)
    desk.skip("anna", "r00")
    assert [at(desk, "anna"), at(desk, "ben")] == ["r01", "r00"]
    desk.skip("ben", "r00")
    desk.answer("anna", "r01", Answer())
    assert (at(desk, "anna"), desk.progress("anna").skipped) == (None, 1)
    desk.take_up_skipped("anna")
    assert at(desk, "anna") == "r00"


def test_outcomes_count_in_the_order_in_which_they_came(run: Store) -> None:
    seen: list[list[bool]] = []

    class Noting(FakeLot):
        def decide(self, outcomes):  # type: ignore[no-untyped-def]
            seen.append(list(outcomes))
            return super().decide(outcomes)

    desk = Desk(Ledger(run), Noting(lot_of(messages(4)).sample), Leases(60, Clock()))
    for id, answer in {"r03": Answer(keep=False), "r00": Answer(), "r01": Answer(label="refund")}.items():
        desk.answer("anna", id, answer)
    desk.decision()
    assert seen[-1] == [True, False, True]


def test_times_are_medians_of_ones_own_rows(run: Store) -> None:
    desk = desk_of(run)
    for id, seconds in {"r00": 1.0, "r01": 9.0, "r02": 2.0}.items():
        desk.answer("anna", id, Answer(seconds=seconds))
    assert (desk.progress("anna").mine, desk.progress("anna").seconds) == (3, 2.0)
    assert desk.progress("ben").seconds is None


def test_a_sample_of_another_run_is_named(run: Store) -> None:
    with pytest.raises(UserError, match=r"1 sampled rows are not in the run, such as r04"):
        desk_of(run, count=5)
