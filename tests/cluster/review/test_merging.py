"""Rows that two people judged: whose word holds by each rule, and how a third person decides."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cluster.audit.findings import read_findings
from cluster.audit.lots import open_lot
from cluster.audit.release import release
from cluster.review.app import rows_site
from cluster.review.desk import Desk
from cluster.review.leases import Leases
from cluster.review.ledger import Ledger
from cluster.review.nearest import NearestSeeds
from cluster.review.verdicts import Answer
from cluster.review.views import Views
from cluster.store import Store
from denoise.audit.assurance import Assurance
from generation.errors import UserError
from tests.cluster.review.cases import lot_of, make_run, messages, row
from tests.cluster.review.test_app import Visitor
from tests.cluster.review.test_leases import Clock
from tests.cluster.review.test_transfer import run_of

ACCEPT, GONE, BROKEN, REFUND = Answer(), Answer(keep=False), Answer(label="broken"), Answer(label="refund")
ONE_WAY, ANOTHER = Answer(content={"text": "one way"}), Answer(content={"text": "another"})


def desk_of(store: Store, rule: str, count: int = 4, wanted: int = 1000) -> Desk:
    rows = messages(count)
    lot = lot_of(rows, [each["id"] for each in rows], assurance=Assurance(merge=rule), wanted=wanted)
    return Desk(Ledger(store), lot, Leases(60, Clock()))


def holding(store: Store, row: str = "r00") -> tuple[Any, ...]:
    """Reason, label and person of the verdict that holds, and the texts that the dataset has."""
    held = next(each for each in store.verdicts(0).to_pylist() if each["id"] == row)
    return held["reason"], held["label"], held["auditor"]


@pytest.fixture
def run(tmp_path: Path) -> Store:
    return make_run(tmp_path / "run", messages(4))


@pytest.mark.parametrize(
    ("first", "second", "reason", "person", "defect"),
    [
        (ACCEPT, ACCEPT, "confirmed", "ben", False),
        (GONE, ACCEPT, "discarded", "anna", True),
        (ACCEPT, GONE, "discarded", "ben", True),
        (ACCEPT, ONE_WAY, "confirmed", "anna", False),
        (ONE_WAY, BROKEN, "corrected", "ben", True),
    ],
)
def test_wanlis_rule(run: Store, first: Answer, second: Answer, reason: str, person: str, defect: bool) -> None:
    desk = desk_of(run, "wanli")
    desk.answer("anna", "r00", first)
    desk.answer("ben", "r00", second)
    assert (holding(run)[0], holding(run)[2]) == (reason, person)
    assert desk.decision().defects == int(defect)
    assert desk_of(run, "wanli").cases == desk.cases
    kept = {"one way", "another"} & {*run.kept([0])["text"].to_pylist()}
    assert kept == set()  # one alone revised, or the row is gone


def test_of_two_revisions_or_labels_one_is_drawn_whoever_came_first(tmp_path: Path) -> None:
    for name, (one, other) in {"revised": (ONE_WAY, ANOTHER), "labelled": (BROKEN, REFUND)}.items():
        drawn = []
        for order in (("anna", "ben"), ("ben", "anna")):
            run = make_run(tmp_path / f"{name}-{order[0]}", messages(4))
            desk = desk_of(run, "wanli")
            for id in desk.cases:
                for who in order:
                    desk.answer(who, id, one if who == "anna" else other)
            drawn.append([holding(run, id)[2] for id in desk.cases])
            texts = [text for text in run.kept([0])["text"].to_pylist() if text in ("one way", "another")]
            assert len(texts) == (4 if name == "revised" else 0)
        assert drawn[0] == drawn[1]
        assert set(drawn[0]) == {"anna", "ben"}


def test_a_merged_verdict_keeps_its_time_and_can_be_taken_back(run: Store) -> None:
    desk = desk_of(run, "wanli")
    desk.answer("anna", "r00", Answer(keep=False, seconds=3))
    before = desk.cases["r00"].history.given["anna"]
    desk.answer("ben", "r00", ACCEPT)
    after = desk.cases["r00"].history.given["anna"]
    assert (after["at"], after["revision"]) == (before["at"], before["revision"] + 2)
    assert after["scores"] == before["scores"] | {"merged": 1.0}
    assert desk.undo("ben") and desk.cases["r00"].history.given["anna"]["scores"] == before["scores"]
    desk.answer("ben", "r00", GONE)
    assert holding(run) == ("discarded", "late", "ben")


def test_the_last_verdict_holds_where_nothing_else_is_said(run: Store) -> None:
    desk = desk_of(run, "last")
    desk.answer("anna", "r00", GONE)
    desk.answer("ben", "r00", ACCEPT)
    assert holding(run) == ("confirmed", "late", "ben")
    assert desk.next_for("cleo").id == "r01"  # type: ignore[union-attr]
    desk.decide_disputes("cleo")
    desk.skip("cleo", "r01")
    assert desk.next_for("cleo").id == "r00"  # type: ignore[union-attr]


def test_a_third_person_decides_and_the_plan_waits(run: Store) -> None:
    desk = desk_of(run, "third", wanted=3)
    for id, answer in {"r00": ACCEPT, "r01": BROKEN, "r02": ACCEPT}.items():
        desk.answer("anna", id, ACCEPT)
        desk.answer("ben", id, answer)
    assert (desk.decision().state, desk.decision().checked) == ("open", 1)  # r01 holds up r02
    assert [desk.disputes_for(who) for who in ("anna", "ben", "cleo")] == [0, 0, 1]
    assert desk.next_for("cleo").id == "r01"  # type: ignore[union-attr]
    assert desk.next_for("dan").id == "r03"  # type: ignore[union-attr] # nobody else decides it meanwhile
    desk.answer("cleo", "r01", REFUND)
    assert (desk.decision().state, desk.decision().defects) == ("passed", 1)
    assert holding(run, "r01") == ("corrected", "refund", "cleo")
    (told,) = (each for each in run.verdicts(0).to_pylist() if each["auditor"] == "cleo")
    assert dict(told["scores"])["decided"] == 1.0
    again = desk_of(run, "third", wanted=3)
    assert again.cases == desk.cases and again.decision() == desk.decision()
    assert again.undo("cleo") and again.decision().state == "open"


def test_findings_wait_for_a_third_person_too(tmp_path: Path) -> None:
    run = run_of(tmp_path / "run", [row(f"r{n:03}", f"text {n}", ("late", "refund")[n % 2]) for n in range(300)])
    lot = open_lot(run, Assurance(overlap=1, merge="third", plan="zero_failure", reject=0.3))
    desk = Desk(Ledger(run), lot, Leases(60))
    first = lot.sample[0].id
    for each in lot.sample:
        desk.answer("anna", each.id, ACCEPT)
        desk.answer("ben", each.id, GONE if each.id == first else ACCEPT)
    findings = read_findings(run, lot)
    assert (findings.outcomes, findings.disputed, findings.agreeing) == ([], 1, (len(lot.sample) - 1, len(lot.sample)))
    assert findings.decision == desk.decision()
    with pytest.raises(UserError, match="1 of them wait for a third person, as two differ; nothing is released"):
        release(run)
    desk.answer("cleo", first, ACCEPT)
    findings = read_findings(run, lot)
    assert (findings.decision.state, findings.decision == desk.decision()) == ("passed", True)
    assert (findings.disputed, findings.agreeing) == (0, (len(lot.sample) - 1, len(lot.sample)))
    assert release(run)[1]["state"] == "passed"


def test_the_page_shows_what_two_said_to_the_one_who_decides(run: Store) -> None:
    desk = desk_of(run, "last", count=1)
    app = rows_site(desk, Views(run.run(), NearestSeeds([]))).gated()
    anna, ben, cleo = (Visitor(app, name) for name in ("anna", "ben", "cleo"))
    assert "Nothing is left for you" in cleo.html  # two are at it
    anna.send("/verdict", action="edit", text="<b>new</b> words", label="refund")
    ben.send("/verdict", label="broken")
    cleo.html = cleo.client.get("/").text
    assert "Decide 1 on which others differ" in cleo.html
    cleo.send("/disputes")
    assert cleo.row == "r00"
    told = cleo.html.split('id="differ"')[1].split("</section>")[0]
    assert (
        "<bdi>refund, rewritten</bdi>" in told
        and "<bdi>broken</bdi>" in told
        and "&lt;b&gt;new&lt;/b&gt; words" in told
    )
    cleo.send("/verdict", action="discard")
    summary = cleo.client.get("/summary").text
    assert "<bdi>decided by cleo</bdi>" in summary and "1 rows were judged by two people" in summary
    assert "Decide 1" not in summary
