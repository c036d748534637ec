"""What is committed when somebody writes a row, or refuses a suggestion. Nothing is written here."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from cluster.audit.frame import STAGE, WRITTEN
from cluster.audit.lots import Sampled
from cluster.review.cases import Case, History, Verdict
from cluster.review.verdicts import CONTENT
from cluster.review.writing.bank import Suggestion
from cluster.review.writing.opinion import Said
from generation.records import ROW_SCHEMA, digest

ASSISTED, UNAIDED = "assisted", "unaided"  # methods of rows that people wrote
TAKEN, REFUSED = "suggestion_taken", "suggestion_refused"


def new_row(
    label: str, content: Mapping[str, Any], suggestion: Suggestion | None, ranking: str, round_: int, key: object
) -> dict[str, Any]:
    """A row (ROW_SCHEMA) of `content`, columns of CONTENT; those that it lacks are the suggestion's.

    How it came about stands in `method`, `seed_ids` (the suggestion) and `attributes` (the ranking, and whether the
    text was approved or edited).
    """
    row: dict[str, Any] = {name: None for name in ROW_SCHEMA.names}
    before = {name: suggestion.case.row[name] for name in CONTENT} if suggestion else {}
    told = {"ranking": ranking, "assistance": "edited" if content else "approved"} if suggestion else {}
    return {
        **row,
        **before,
        **content,
        "id": digest("written", key),
        "round": round_,
        "wave": 0,
        "source": "human",
        "label": label,
        "intended_label": label,
        "method": ASSISTED if suggestion else UNAIDED,
        "seed_ids": [suggestion.id] if suggestion else [],
        "attributes": told,
        "sampling": {},
    }


def written_case(row: Mapping[str, Any], who: str, at: datetime, seconds: float, said: Said | None) -> Case:
    """The row with its writer's verdict: its label is theirs. Another person is to look at it.

    Scores: `seconds` since the writer's last row, and what the student said: `fools` if it took it for another label.
    """
    scores = {"seconds": round(seconds, 1)}
    if said is not None:
        scores |= {"fools": float(said.label != row["label"]), "student_confidence": round(said.confidence, 4)}
    told = _told(row["id"], 1, "accepted", WRITTEN, row["label"], who, at) | {"scores": scores}
    return Case(row, History.of([told]), {}, to_check(row["id"], 0))


def used(suggestion: Suggestion, who: str, at: datetime, new: str | None) -> Verdict:
    """The next revision of a suggestion that was taken for the row `new`, or refused (None)."""
    history = suggestion.case.history
    told = _told(suggestion.id, history.revision + 1, "rejected", TAKEN if new else REFUSED, suggestion.label, who, at)
    return told | {"survivor_id": new, "scores": dict((history.machine or {}).get("scores") or {}), "weight": 0.0}


def to_check(id: str, order: int) -> Sampled:
    """A written row as work for somebody else: two people have their say, of whom the first wrote it."""
    return Sampled(id, order, "", 1.0, True, True)


def _told(id: str, revision: int, status: str, reason: str, label: str, who: str, at: datetime) -> dict[str, Any]:
    return {
        "id": id,
        "revision": revision,
        "stage": STAGE,
        "label": label,
        "status": status,
        "reason": reason,
        "scores": {},
        "shares": None,
        "survivor_id": None,
        "weight": 1.0,
        "auditor": who,
        "at": at,
    }
