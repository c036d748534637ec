"""What people said, read from their verdicts."""

from __future__ import annotations

import shutil

import pytest

from cluster.audit.findings import DISCARDED, powered_estimate, read_findings
from cluster.audit.lots import Lot, open_lot
from cluster.audit.standing import audited_noise, render_standing, standing
from cluster.dataset import materialise, read_dataset
from cluster.report_page import write_report
from cluster.store import Store
from generation.records import row_id
from tests.cluster.audit.cases import edit, judge, make_run, say
from tests.cluster.cases import RUN_ID


@pytest.fixture
def lot(store: Store) -> Lot:
    make_run(store)
    return open_lot(store)


def test_outcomes_follow_the_time_of_a_rows_first_verdict(store: Store, lot: Lot) -> None:
    one, two, three = (row.id for row in lot.sample[:3])
    say(store, three, "confirmed", at=1)
    say(store, one, "discarded", at=2)
    say(store, two, "confirmed", at=3)
    assert read_findings(store, lot).outcomes == [False, True, False]
    say(store, three, "corrected", "bob", at=4, label="neg")  # the last one holds, at its old place
    assert read_findings(store, lot).outcomes == [True, True, False]
    say(store, three, "undone", "bob", at=5)
    assert read_findings(store, lot).outcomes == [False, True, False]
    say(store, three, "undone", at=6)
    assert read_findings(store, lot).outcomes == [True, False]


def test_an_edit_of_wording_is_no_defect(store: Store, lot: Lot) -> None:
    say(store, lot.sample[0].id, "edited")
    say(store, lot.sample[1].id, "edited", scores={"defect": 1.0, "seconds": 2.0})
    assert read_findings(store, lot).outcomes == [False, True]


def test_people_are_compared_on_rows_that_two_saw(store: Store, lot: Lot) -> None:
    one, two, three = lot.sample[:3]
    for row in (one, two, three):
        say(store, row.id, "confirmed")
    say(store, one.id, "confirmed", "bob")
    say(store, two.id, "discarded", "bob")
    found = read_findings(store, lot)
    assert found.agreeing == (1, 2)
    assert found.alpha is not None and found.alpha < 0.5
    label = two.stratum.split("/")[0]
    assert next(row.values for row in found.rows if row.id == two.id) == {"ann": label, "bob": DISCARDED}


def test_verdicts_on_other_rows_do_not_count(store: Store, lot: Lot) -> None:
    sampled = {row.id for row in lot.sample}
    other = next(key for key in store.verdicts(0)["id"].to_pylist() if key not in sampled)
    say(store, other, "discarded")
    assert read_findings(store, lot).rows == ()


def test_where_a_lot_stands(store: Store, lot: Lot) -> None:
    judge(store, lot, bad=[lot.sample[4].id], most=30)
    found = standing(store, lot)
    decision = found["decision"]
    assert (decision["state"], decision["checked"], decision["defects"]) == ("open", 30, 1)
    assert found["seconds_per_row"] == 5.0
    assert found["strata"][lot.sample[4].stratum]["defects"] == 1
    assert sum(each["checked"] for each in found["strata"].values()) == 30
    assert found["estimate"]["low"] <= 1 / 30 <= found["estimate"]["high"]
    assert powered_estimate(store, read_findings(store, lot)) is not None
    shown = render_standing(found)
    assert "lot 0 of v000: open (600 rows, sequential)" in shown
    assert "checked    30 of at most 130, 1 defects" in shown
    assert "released   nothing yet" in shown


def test_the_judge_helps_although_people_have_written_rows(store: Store) -> None:
    make_run(store)
    first = row_id("pos-0.0", 0)
    new = edit(store, first, "what a fine day", "pos")
    shutil.rmtree(store.root / "dataset")
    materialise(store, 0, RUN_ID)
    assert new in read_dataset(store)["id"].to_pylist()
    lot = open_lot(store)
    judge(store, lot, bad=[lot.sample[4].id], most=30)
    assert lot.size == 599
    assert powered_estimate(store, read_findings(store, lot)) is not None


def test_the_report_shows_what_people_checked(store: Store, lot: Lot) -> None:
    judge(store, lot, bad=[lot.sample[4].id], most=30)
    page = write_report(store).read_text()
    assert "What people checked" in page
    assert "1 defects in 30 rows checked" in page
    assert page.count('<polyline class="curve"') == 1
    assert "neg/doubtful" in page
    (found,) = audited_noise(store)
    assert (found["round"], found["lot"]) == (0, 0)
    assert found["low"] < found["share"] < found["high"]
    assert f"round 0: by people {100 * found['share']:.1f}%" in page


def test_a_report_without_a_lot_has_no_such_section(store: Store) -> None:
    make_run(store, 6)
    assert "What people checked" not in write_report(store).read_text()
