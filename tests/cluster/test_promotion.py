"""Which student a run stands for."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from cluster.audit.findings import read_findings
from cluster.audit.lots import Lot, open_lot
from cluster.audit.release import release, settle
from cluster.held_out import DEV, OUT_OF_FOLD, HeldOut, write_held_out
from cluster.promotion import Promotion, promote, promoted_before, promoted_round, promoted_student, step_back, weigh
from cluster.run import Run
from cluster.store import Store
from denoise.audit.assurance import Assurance
from denoise.drift import Drop
from generation.errors import UserError
from tests.cluster.audit.cases import judge, make_run
from tests.cluster.cases import LABELS, begin_round

ALARM = Drop(None, "vendi", 12.0, 6.0, 40)


def student(store: Store, round_: int, right: str, basis: str = DEV, promoted: bool | None = None) -> HeldOut:
    """A student of a round that gets rows marked "1" right; the round is finished if its promotion is told."""
    begin_round(store, {"pos": 1, "neg": 1}, round_)
    (store.folder(round_, "student")).mkdir(parents=True)
    held = HeldOut(basis, tuple(map(str, range(len(right)))), tuple(sign == "1" for sign in right), {}, ())
    write_held_out(store, round_, held)
    if promoted is not None:
        store.write_json(f"rounds/{round_:03d}/metrics.json", {"promotion": {"promoted": promoted}})
    return held


def lot_that_fails(store: Store, basis: str) -> Lot:
    """Of the second round's version, whose student is promoted; people have judged it."""
    student(store, 0, "1", basis, promoted=True)
    make_run(store, round_=1)
    student(store, 1, "1", basis, promoted=True)
    promote(store, 1)
    lot = open_lot(store, Assurance())
    judge(store, lot, bad=[row.id for row in lot.sample[:40]], round_=1)
    return lot


def test_the_first_student_stands_for_the_run(store: Store) -> None:
    held = student(store, 0, "0000")
    assert weigh(store, 0, held, [ALARM], hold=True) == Promotion(True, None, "it is the first")
    assert promoted_round(store) is None
    promote(store, 0)
    assert (store.root / "student").read_text() == "rounds/000/student\n"
    assert promoted_student(store) == store.folder(0, "student")


@pytest.mark.parametrize(
    ("right", "promoted", "verdict"),
    [
        ("0000000000", False, "worse than round 0's: -60.0 points [-60.0, -4.9] on 10 rows"),
        ("0000011111", True, "not surely better than round 0's: -10.0 points [-65.3, +51.8] on 10 rows"),
        ("1111111111", True, "not surely better than round 0's: +40.0 points [-8.2, +40.0] on 10 rows"),
    ],
)
def test_a_student_that_is_surely_worse_is_not_promoted(store: Store, right: str, promoted: bool, verdict: str) -> None:
    student(store, 0, "1111110000", promoted=True)
    held = student(store, 1, right)
    assert weigh(store, 1, held, [ALARM], hold=False) == Promotion(promoted, 0, f"it is {verdict}")


def test_the_next_is_held_against_the_one_that_stands(store: Store) -> None:
    student(store, 0, "1111110000", promoted=True)
    student(store, 1, "0000000000", promoted=False)
    held = student(store, 2, "0000000001")
    assert promoted_before(store, 2) == 0
    assert weigh(store, 2, held, [], hold=False).over == 0


def test_without_dev_rows_heads_answer_for_a_student(store: Store) -> None:
    student(store, 0, "1111111111", OUT_OF_FOLD, promoted=True)
    held = student(store, 1, "0000000000", OUT_OF_FOLD)
    found = weigh(store, 1, held, [ALARM], hold=False)
    assert not found.promoted and found.why.startswith("heads on its rows are worse than round 0's: -100.0 points")
    assert weigh(store, 2, student(store, 2, "1111111110", OUT_OF_FOLD), [ALARM], hold=False).promoted
    nobody = Promotion(True, 0, "no held-out rows tell it from the one before (student.dev_per_label)")
    assert weigh(store, 1, None, [], hold=True) == nobody
    assert weigh(store, 1, held._replace(basis=DEV), [], hold=True) == nobody


def test_an_alarm_may_hold_it_back(store: Store) -> None:
    student(store, 0, "0000", promoted=True)
    held = student(store, 1, "1111")
    why = "texts have lost variety since the first round: all labels: vendi 12.000 -> 6.000 (40 texts)"
    assert weigh(store, 1, held, [ALARM], hold=True) == Promotion(False, 0, why)
    assert weigh(store, 1, held, [], hold=True).promoted


def test_predictions_are_the_promoted_student_s(store: Store) -> None:
    store.write_json("run.json", {"name": "mood", "labels": LABELS})
    run = Run.open(store.address)
    with pytest.raises(UserError, match="has no student yet"):
        _ = run.student
    student(store, 0, "1", promoted=True)
    student(store, 1, "0", promoted=False)
    assert run.student == store.folder(1, "student")  # a run of before there were promotions
    promote(store, 0)
    assert run.student == store.folder(0, "student")
    assert run.metrics(0) == {"promotion": {"promoted": True}}


@pytest.mark.parametrize(("basis", "stands"), [(OUT_OF_FOLD, 0), (DEV, 1)])
def test_a_failed_lot_takes_a_student_s_place_where_no_dev_rows_speak_for_it(
    store: Store, basis: str, stands: int
) -> None:
    lot = lot_that_fails(store, basis)
    decision = settle(store, lot, read_findings(store, lot).decision)
    assert decision is not None and (decision["state"], decision["round"]) == ("failed", 1)
    assert promoted_round(store) == stands


def test_a_release_that_is_killed_before_any_write_is_made_good_by_the_next(store: Store, tmp_path: Path) -> None:
    lot_that_fails(store, OUT_OF_FOLD)
    for write in range(1, 5):
        copy = Store(shutil.copytree(Path(store.root), tmp_path / f"killed-{write}"))
        copy.fence = killing(write)
        with pytest.raises(KeyboardInterrupt):
            release(copy)
        copy.fence = lambda: None
        assert (release(copy)[1]["state"], promoted_round(copy)) == ("failed", 0)


def killing(write: int) -> Callable[[], None]:
    """A fence that lets all writes pass but the one of this number."""
    numbers = itertools.count(1)

    def fence() -> None:
        if next(numbers) == write:
            raise KeyboardInterrupt

    return fence


def test_there_may_be_no_student_to_step_back_to(store: Store) -> None:
    student(store, 0, "1", OUT_OF_FOLD, promoted=True)
    promote(store, 0)
    assert step_back(store, 0) is None
    assert step_back(store, 1) is None
    assert promoted_round(store) == 0
