"""What all kinds share, and that a task of single labels is shown as it is."""

from __future__ import annotations

from generation.kinds import KINDS, make_kind
from generation.kinds.base import REASONS
from generation.kinds.label import LABEL, LabelKind
from generation.records import OF_KINDS, ROW_SCHEMA
from tests.generation.cases import TASK


def test_the_table() -> None:
    assert make_kind("label", ["a", "b"]) == LabelKind(("a", "b"))
    assert all(name == kind.name for name, kind in KINDS.items())


def test_a_column_belongs_to_one_kind() -> None:
    columns = [column for kind in KINDS.values() for column in kind.columns]
    assert len(set(columns)) == len(columns)
    assert set(columns) <= set(OF_KINDS) <= set(ROW_SCHEMA.names)


def test_single_labels_are_shown_as_they_are() -> None:
    assert LABEL.shown(TASK) == TASK


def test_any_answer_is_a_text() -> None:
    assert LABEL.content("a [text] ||| more", "lost_card", "stop") == {
        "text": "a [text] ||| more",
        "finish_reason": "stop",
    }
    assert "stop" not in REASONS and "length" not in REASONS
