"""What answers change: revisions, new rows, and that everything can be taken back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cluster.review.cases import Case, History
from cluster.review.verdicts import Answer, Change, answered, undone
from generation.records import ROW_SCHEMA, digest, rows_table, verdicts_table
from tests.cluster.review.cases import machine, row

AT = datetime(2026, 1, 1, tzinfo=UTC)
EMPTY = dict.fromkeys(ROW_SCHEMA.names)


def case(label: str = "late", **columns: Any) -> Case:
    made = EMPTY | row("r", "my parcel", label, **columns)
    told = EMPTY | machine("r", label) | {"reason": None, "auditor": None, "at": None, "survivor_id": None}
    return Case(made, History.of([told]))


def after(at: Case, *changes: Change) -> Case:
    for change in changes:
        for verdict in change.verdicts:
            at = at.plus(verdict)
    return at


def told(change: Change) -> list[tuple[Any, ...]]:
    names = ("id", "revision", "status", "label", "reason", "survivor_id")
    return [tuple(verdict[name] for name in names) for verdict in change.verdicts]


def test_accept_keeps_what_held() -> None:
    change = answered(case(), Answer(seconds=2.34), "anna", AT)
    assert told(change) == [("r", 2, "accepted", "late", "confirmed", None)]
    (verdict,) = change.verdicts
    assert verdict["scores"] == {"judge_confidence": 0.75, "seconds": 2.3, "defect": 0.0}
    assert (verdict["stage"], verdict["auditor"], verdict["at"], verdict["weight"]) == ("audit", "anna", AT, 1.0)
    assert after(case(), change).is_defective is False


def test_another_label_is_a_defect_and_its_own_label_is_none() -> None:
    change = answered(case(), Answer(label="broken"), "anna", AT)
    assert told(change) == [("r", 2, "relabelled", "broken", "corrected", None)]
    assert after(case(), change).is_defective is True
    assert told(answered(case(), Answer(label="late"), "anna", AT))[0][4] == "confirmed"


def test_discard() -> None:
    change = answered(case(), Answer(keep=False), "anna", AT)
    assert told(change) == [("r", 2, "rejected", "late", "discarded", None)]
    assert after(case(), change).is_defective is True


def test_an_edit_makes_a_row_that_takes_the_place_of_the_old_one() -> None:
    change = answered(case(), Answer(content={"text": "my parcel!"}), "anna", AT)
    new = digest("human", "r", 2)
    assert told(change) == [("r", 2, "rejected", "late", "edited", new), (new, 1, "accepted", "late", None, None)]
    (made,) = change.rows
    assert (made["id"], made["text"], made["label"], made["intended_label"]) == (new, "my parcel!", "late", "late")
    assert (made["source"], made["method"], made["seed_ids"], made["round"]) == ("human", "edit", ["r"], 0)
    assert rows_table(change.rows).num_rows == 1
    assert verdicts_table(change.verdicts).num_rows == 2
    assert after(case(), change).is_defective is False


def test_an_edit_under_another_label_is_a_defect() -> None:
    change = answered(case(), Answer(content={"text": "it broke"}, label="broken"), "anna", AT)
    assert change.rows[0]["label"] == "broken"
    assert after(case(), change).is_defective is True


def test_an_edit_that_changes_nothing_is_none() -> None:
    assert told(answered(case(), Answer(content={"text": "my parcel"}), "anna", AT))[0][4] == "confirmed"


@pytest.mark.parametrize(
    ("tokens", "tags", "defect"),
    [
        (["my", "parcel"], ["B-what", "I-what"], 1.0),
        (["my", "two", "parcels"], ["O", "O", "B-what"], 0.0),
        (["my", "two", "parcels"], ["O", "O", "O"], 1.0),
    ],
)
def test_other_spans_are_a_defect_other_words_are_not(tokens: list[str], tags: list[str], defect: float) -> None:
    at = case("what", tokens=["my", "parcel"], tags=["O", "B-what"])
    content = {"text": " ".join(tokens), "tokens": tokens, "tags": tags}
    assert answered(at, Answer(content=content), "anna", AT).verdicts[0]["scores"]["defect"] == defect


def test_several_labels_stay_one_row() -> None:
    change = answered(case("a+b", labels=["a", "b"]), Answer(label="a+c"), "anna", AT)
    assert (told(change)[0][2:5], change.rows) == (("relabelled", "a+c", "corrected"), ())
    edit = answered(case("a+b", labels=["a", "b"]), Answer(label="a+c", content={"text": "x"}), "anna", AT)
    assert (edit.rows[0]["label"], edit.rows[0]["labels"]) == ("a+c", ["a", "c"])


def test_undo_restores_what_held_before() -> None:
    first = answered(case(), Answer(keep=False), "anna", AT)
    taken = undone(after(case(), first), "anna", AT)
    assert told(taken) == [("r", 3, "accepted", "late", "undone", None)]
    at = after(case(), first, taken)
    assert (at.history.given, at.is_defective, at.history.is_kept) == ({}, None, True)


def test_undone_edits_leave_the_dataset_and_a_second_undo_is_no_concern_of_theirs() -> None:
    edit = answered(case(), Answer(content={"text": "x"}), "anna", AT)
    new = edit.rows[0]["id"]
    taken = undone(after(case(), edit), "anna", AT)
    assert told(taken) == [("r", 3, "accepted", "late", "undone", None), (new, 2, "rejected", "late", "undone", None)]
    again = answered(after(case(), edit, taken), Answer(content={"text": "y"}), "anna", AT)
    assert [verdict[0] for verdict in told(again)] == ["r", digest("human", "r", 4)]


def test_of_two_peoples_verdicts_the_last_holds_and_edits_follow_it() -> None:
    edit = answered(case(), Answer(content={"text": "x"}), "anna", AT)
    new = edit.rows[0]["id"]
    second = answered(after(case(), edit), Answer(), "ben", AT + timedelta(seconds=1))
    assert told(second) == [
        ("r", 3, "accepted", "late", "confirmed", None),
        (new, 2, "rejected", "late", "undone", None),
    ]
    at = after(case(), edit, second)
    assert list(at.history.given) == ["anna", "ben"]
    back = undone(at, "ben", AT)
    assert told(back) == [
        ("r", 4, "rejected", "late", "undone", new),
        ("r", 5, "rejected", "late", "edited", new),
        (new, 3, "accepted", "late", None, None),
    ]
    assert [verdict["auditor"] for verdict in back.verdicts] == ["ben", "anna", "ben"]
    assert after(at, back).history.holding["auditor"] == "anna"  # type: ignore[index]


def test_undoing_the_first_verdict_leaves_the_second() -> None:
    both = [answered(case(), Answer(keep=False), "anna", AT)]
    both.append(answered(after(case(), *both), Answer(label="broken"), "ben", AT))
    back = undone(after(case(), *both), "anna", AT)
    assert told(back) == [
        ("r", 4, "relabelled", "broken", "undone", None),
        ("r", 5, "relabelled", "broken", "corrected", None),
    ]
    assert list(after(case(), *both, back).history.given) == ["ben"]
