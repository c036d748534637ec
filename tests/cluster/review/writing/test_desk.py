"""What is suggested to whom, what a written row leaves on disk, and what can be taken back."""

from __future__ import annotations

from pathlib import Path

import pytest

from cluster.audit.frame import judged_by_people
from cluster.checked import checked_examples
from cluster.dataset import kept_rows
from cluster.review.desk import TakenError
from cluster.review.verdicts import Answer
from cluster.review.writing.bank import AHEAD, ahead_of, read_bank
from cluster.review.writing.desk import Choice, WritingDesk
from cluster.review.writing.written import Line, lines_of, read_written, render
from cluster.store import Store
from generation.errors import UserError
from generation.records import rows_table, verdicts_table
from tests.cluster.review.cases import machine, row
from tests.cluster.review.test_leases import Clock
from tests.cluster.review.writing.cases import desk_of, leftovers

LATE = Choice("late", "likelihood")
ALONE = Choice("late", "alone")


@pytest.fixture
def run(tmp_path: Path) -> Store:
    return leftovers(tmp_path / "run")


def order(desk: WritingDesk, ranking: str, label: str = "late") -> list[str]:
    """Suggestions as a person who passes over all of them sees them."""
    seen = []
    while (each := desk.next_for("ann", Choice(label, ranking))) is not None:
        seen.append(each.id)
        desk.skip("ann", each.id)
    desk.take_up_skipped("ann")
    return seen


def test_the_bank_has_what_a_quota_or_a_doubt_kept_out(run: Store) -> None:
    bank = read_bank(run, ["late", "broken"])
    assert {id: each.label for id, each in bank.items()} == {"s0": "late", "s1": "late", "h0": "late", "d0": "broken"}
    assert set(read_bank(run, ["broken"])) == {"d0"}


def test_a_row_of_a_pool_that_waits_is_no_suggestion(run: Store) -> None:
    fed = row("p0", "where has my order gone", source="pool", intended_label=None)
    run.commit(0, "generated", "feeds-000", rows_table([fed]), "run")
    run.commit(0, "verdicts", "feeds-000", verdicts_table([machine("p0", status="held", stage="feed")]), "run")
    assert set(read_bank(run, ["late"])) == {"s0", "s1", "h0"}


def test_each_ranking_has_its_order(run: Store) -> None:
    desk = desk_of(run)
    assert order(desk, "likelihood") == ["h0", "s1", "s0"]
    assert order(desk, "uncertainty") == ["h0", "s1", "s0"]  # the student is surer of longer texts
    assert order(desk, "adversarial") == ["s0", "h0", "s1"]  # s0 has "broken" in it
    assert order(desk, "alone") == []
    assert order(desk, "adversarial", "broken") == ["d0"]


def test_two_people_get_different_suggestions_and_leases_run_out(run: Store) -> None:
    clock = Clock()
    desk = desk_of(run, clock=clock)
    assert [desk.next_for(who, LATE).id for who in ("ann", "ben", "ann")] == ["h0", "s1", "h0"]  # type: ignore[union-attr]
    clock.now = 61
    assert desk.next_for("cleo", LATE).id == "h0"  # type: ignore[union-attr]
    with pytest.raises(TakenError, match="somebody else has it"):
        desk.write("ann", LATE, "h0", {}, 1)
    assert not desk.renew("ann", "h0")
    assert run.parts(0, "people") == []


def test_an_approved_suggestion_is_a_row_of_a_person(run: Store) -> None:
    desk = desk_of(run)
    desk.next_for("ann", Choice("late", "adversarial"))
    said = desk.write("ann", Choice("late", "adversarial"), "s0", {}, 4.21)
    assert said is not None and said.label == "broken"
    (made,) = run.people(0).to_pylist()
    assert (made["text"], made["label"], made["source"]) == ("my parcel is broken and late", "late", "human")
    assert (made["method"], made["seed_ids"], made["round"]) == ("assisted", ["s0"], 0)
    assert dict(made["attributes"]) == {"ranking": "adversarial", "assistance": "approved"}
    held = {each["id"]: each for each in run.verdicts(0).to_pylist()}
    new = held[made["id"]]
    assert (new["status"], new["reason"], new["stage"], new["auditor"]) == ("accepted", "written", "audit", "ann")
    assert dict(new["scores"]) == {"seconds": 4.2, "fools": 1.0, "student_confidence": 0.83}
    assert (held["s0"]["status"], held["s0"]["reason"]) == ("rejected", "suggestion_taken")
    assert held["s0"]["survivor_id"] == made["id"]
    assert "s0" not in order(desk_of(run), "likelihood")


def test_written_rows_are_seeds_of_later_rounds_and_of_no_lot(run: Store) -> None:
    desk = desk_of(run)
    desk.write("ann", LATE, "s1", {"text": "it is so very late"}, 1)
    desk.write("ann", ALONE, "", {"text": "nothing came"}, 1)
    run.write_json("rounds/001/round.json", {"round": 1})
    assert sorted((each.text, str(each.label)) for each in checked_examples(run, 1)) == [
        ("it is so very late", "late"),
        ("nothing came", "late"),
    ]
    assert set(run.people(0)["id"].to_pylist()) <= judged_by_people(run)
    kept = {row["text"]: (row["label"], row["source"], row["weight"]) for row in kept_rows(run, 0).to_pylist()}
    assert kept["it is so very late"] == kept["nothing came"] == ("late", "human", 1.0)
    assert {dict(each["attributes"] or ()).get("assistance") for each in run.people(0).to_pylist()} == {"edited", None}


def test_the_same_words_are_not_written_twice(run: Store) -> None:
    desk = desk_of(run)
    desk.write("ann", ALONE, "", {"text": "Nothing came."}, 1)
    for text in ("nothing came", "Where is my parcel?"):
        with pytest.raises(UserError, match="the same words"):
            desk.write("ben", ALONE, "", {"text": text}, 1)
    assert desk.write("ann", LATE, "s1", {}, 1) is not None
    assert desk.write("ann", LATE, "s1", {}, 1) is None  # sent twice
    assert run.people(0).num_rows == 2


def test_a_refused_suggestion_comes_to_nobody_again(run: Store) -> None:
    desk = desk_of(run)
    desk.next_for("ann", LATE)
    desk.refuse("ann", "h0")
    assert [desk.next_for(who, LATE).id for who in ("ann", "ben")] == ["s1", "s0"]  # type: ignore[union-attr]
    assert "h0" not in order(desk_of(run), "likelihood")
    assert desk.undo("ann")
    assert desk.next_for("ann", LATE).id == "h0"  # type: ignore[union-attr]
    assert "h0" in order(desk_of(run), "likelihood")


def test_undo_goes_back_through_rows_and_refusals_also_after_a_restart(run: Store) -> None:
    desk = desk_of(run)
    desk.write("ann", LATE, "s1", {}, 1)
    desk.refuse("ann", "h0")
    desk.write("ann", ALONE, "", {"text": "nothing came"}, 1)
    again = desk_of(run)
    assert [again.undo("ann") for _ in range(4)] == [True, True, True, False]
    held = {each["id"]: (each["status"], each["reason"]) for each in run.verdicts(0).to_pylist()}
    assert [held[id][0] for id in ("s1", "h0")] == ["surplus", "held"]
    assert {held[id] for id in run.people(0)["id"].to_pylist()} == {("rejected", "undone")}
    assert read_written(run) == [] == list(again.checks.cases)
    assert again.write("ann", ALONE, "", {"text": "nothing came"}, 1) is not None


def test_another_person_validates_what_fools_the_student(run: Store) -> None:
    desk = desk_of(run)
    adversarial = Choice("late", "adversarial")
    desk.write("ann", adversarial, "s0", {}, 8)
    desk.write("ann", adversarial, "h0", {"text": "a broken promise: still not here"}, 4)
    desk.write("ann", adversarial, "s1", {}, 2)
    desk.write("ben", ALONE, "", {"text": "nothing came"}, 30)
    assert "not validated" in render(lines_of(read_written(run)))
    seen = []
    while (case := desk.checks.next_for("ben")) is not None:
        seen.append(case.row["text"])
        desk.checks.answer("ben", case.id, Answer(keep="promise" not in case.row["text"]))
    assert len(seen) == 3  # not his own
    lines = lines_of(read_written(run))
    assert lines[0] == Line("adversarial", 3, 2, 1, 4, 3, 2, 2, 1)
    assert (lines[0].share, lines[0].vmer) == (2 / 3, 1 / 3)
    assert (lines[1].ranking, lines[1].seconds, lines[1].vmer) == ("alone", 30, 0.0)
    assert lines[2] == Line("all", 4, 2, 1, 6, 4, 2, 2, 1)
    kept = run.kept([0])["text"].to_pylist()
    assert "my parcel is broken and late" in kept and "a broken promise: still not here" not in kept
    with pytest.raises(TakenError, match="ben has judged that row"):
        desk.undo("ann")
    assert desk.checks.undo("ben")  # his last verdict: the row is ann's again
    assert len(lines_of(read_written(run))) == 3


def test_without_a_student_nothing_is_known_of_fooling(run: Store) -> None:
    desk = desk_of(run, opinion=False)
    assert desk.write("ann", LATE, "s1", {}, 1) is None
    (line,) = lines_of(read_written(run))[-1:]
    assert (line.told, line.share, line.vmer) == (0, None, None)
    assert "no student" in render([line])


def test_rows_that_were_generated_ahead_are_suggested_too(run: Store) -> None:
    ahead = ahead_of(run)
    ahead.write_json("rounds/000/round.json", {})
    ahead.commit(0, "generated", "e0", rows_table([row("a0", "ahead of time", mean_logprob=-0.1)]), "run")
    ahead.commit(0, "verdicts", "w0", verdicts_table([machine("a0", status="held", reason="ahead")]), "run")
    desk = desk_of(run)
    assert desk.next_for("ann", LATE).id == "a0"  # type: ignore[union-attr]
    desk.write("ann", LATE, "a0", {}, 1)
    assert run.verdicts(0).num_rows == 7 and ahead.verdicts(0)["reason"].to_pylist() == ["suggestion_taken"]
    assert (run.root / AHEAD).is_dir()
    again = desk_of(run)
    assert "a0" not in order(again, "likelihood")
    assert again.undo("ann")
    assert again.next_for("ann", LATE).id == "a0"  # type: ignore[union-attr]
