"""Why a row was doubted, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from cluster.review.cases import Case, Verdict

_SCORES = {
    "judge_confidence": "judge's trust in its own label",
    "judge_margin": "lead over its next label",
    "judge_intended": "trust in the label asked for",
    "label_wrong": "chance that the label is wrong",
    "span_slot": "trust in its spans' slots",
    "span_boundary": "trust in where its spans begin and end",
    "span_missing": "trust that no span is missing",
    "label_margin": "how much likelier under this label than under others, per token",
}
_SHARES = frozenset(
    {"judge_confidence", "judge_intended", "judge_margin", "label_wrong", "span_slot", "span_boundary", "span_missing"}
)
_OWN = frozenset({"seconds", "defect"})  # a person's, not the machine's
_REASONS = {
    "label_disagrees": "the judge sees another label",
    "judge_unsure": "the judge is not sure",
    "labels_missing": "the judge sees fewer labels",
    "labels_added": "the judge sees more labels",
    "label_margin": "hardly likelier under this label than under others",
    "span_slot_doubted": "a span looks like another slot, or like none",
    "span_boundary": "a span looks cut wrongly",
    "span_missing": "words look like a span and are none",
    "over_quota": "more than were asked for",
}


class Score(NamedTuple):
    """A number with its name in words; `share`: where it is one, between 0 and 1."""

    name: str
    value: float
    share: float | None


def status_in_words(case: Case) -> str:
    """What the machine decided, as a sentence."""
    machine: Verdict = case.history.machine or {}
    asked, reason = case.row["intended_label"], reason_in_words(machine.get("reason"))
    why = f": {reason}" if reason else ""
    if case.row["source"] == "human":
        return "Written by a person."
    if case.row["source"] == "pool":
        return f"A text of the pool, labelled by the model{why}."
    if machine.get("status") == "relabelled" and asked:
        return f"Written for {asked}, then moved here{why}."
    if machine.get("status") == "accepted":
        return f"Written for {case.label} and kept{why}." if asked == case.label else f"Kept as {case.label}{why}."
    return f"{str(machine.get('status') or 'not judged').capitalize()} by the machine{why}."


def reason_in_words(reason: str | None) -> str:
    """A named reason as people read it."""
    return _REASONS.get(reason or "", (reason or "").replace("_", " "))


def scores_in_words(case: Case) -> list[Score]:
    """The machine's scores, those that tell of the label first."""
    scores: Mapping[str, float] = dict((case.history.machine or {}).get("scores") or {})
    names = [*(name for name in _SCORES if name in scores), *sorted(scores.keys() - _SCORES.keys() - _OWN)]
    return [
        Score(
            _SCORES.get(name, name.replace("_", " ")),
            scores[name],
            min(max(scores[name], 0.0), 1.0) if name in _SHARES else None,
        )
        for name in names
        if scores[name] is not None
    ]
