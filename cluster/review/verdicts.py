"""What a person's answer changes: new revisions of verdicts, and sometimes a new row. Nothing is written here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cluster.audit.frame import DECIDED, MERGED, STAGE, UNDONE, WRITTEN
from cluster.review.cases import Case, History, Verdict
from generation.kinds.spans import OUTSIDE
from generation.records import KEPT, ROW_SCHEMA, digest

EDIT = "edit"  # the method of a row that is another one put right
CONTENT = ("text", "text_a", "text_b", "tokens", "tags")


@dataclass(frozen=True)
class Answer:
    """What a person says of a row: keep it or not, under which label, and which columns of it to write anew.

    `label` None: the label it has. `content` are columns of CONTENT; those equal to the row's change nothing.
    """

    keep: bool = True
    label: str | None = None
    content: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0


@dataclass(frozen=True)
class Change:
    """What is to be committed for one answer, together: verdicts (VERDICT_SCHEMA) and rows (ROW_SCHEMA)."""

    verdicts: tuple[Verdict, ...]
    rows: tuple[Mapping[str, Any], ...] = ()


def answered(case: Case, answer: Answer, who: str, at: datetime, decides: bool = False) -> Change:
    """The revisions that follow from an answer. One that the same person gave before is replaced by it.

    `decides`: the person has seen that two others differ.
    """
    label = answer.label or case.label
    edit = {name: value for name, value in answer.content.items() if value != case.row[name]}
    machine = case.history.machine or {}
    held = {"label": machine.get("label"), "status": machine.get("status", "accepted")}
    if not answer.keep:
        verdict = held | {"status": "rejected", "reason": "discarded"}
    elif edit:
        verdict = held | {"status": "rejected", "reason": "edited"}
    elif label != case.label:
        verdict = {"label": label, "status": "relabelled", "reason": "corrected"}
    else:
        status = held["status"] if held["status"] in KEPT else "accepted"  # what waited for a person's word is kept now
        verdict = {"label": label, "status": status, "reason": "confirmed"}
    rows: tuple[Mapping[str, Any], ...] = ()
    if verdict["reason"] == "edited":
        row = _rewritten(case, edit, label)
        rows, verdict["survivor_id"] = (row,), row["id"]
    verdict["scores"] = _scores(case) | {
        "seconds": round(answer.seconds, 1),
        "defect": float(_is_defect(case, verdict["reason"], edit, label)),
        **({DECIDED: 1.0} if decides else {}),
    }
    first = _revision(case.id, case.history, who, at, verdict)
    return Change((first, *settled(case.plus(first), rows, who, at)), rows)


def undone(case: Case, who: str, at: datetime) -> Change:
    """The revisions that take back what `who` said of a row: what held without it holds again.

    Another person's verdict holds again as that person's; a row that `who` wrote is no row any more.
    """
    others = [verdict for person, verdict in case.history.given.items() if person != who]
    wrote = (case.history.given.get(who) or {}).get("reason") == WRITTEN
    found = {"status": "rejected" if wrote else "accepted", "label": case.label}
    before = dict(others[-1] if others else case.history.machine or found)
    first = _revision(case.id, case.history, who, at, before | {"reason": UNDONE})
    back = [again(case.plus(first), others[-1])] if others else []
    return Change((first, *back, *settled(after(case, first, *back), (), who, at)))


def again(case: Case, verdict: Verdict, **scores: float) -> Verdict:
    """A verdict that a person gave earlier as the newest revision: theirs, as of then, with `scores` beside its own."""
    before = {name: value for name, value in dict(verdict.get("scores") or {}).items() if name != MERGED}
    told = dict(verdict) | {"scores": {**before, **scores}}
    made = _revision(case.id, case.history, verdict["auditor"], verdict["at"], told)
    return {**made, "weight": verdict.get("weight")}


def after(case: Case, *verdicts: Verdict) -> Case:
    """The case some revisions later."""
    for verdict in verdicts:
        case = case.plus(verdict)
    return case


def settled(case: Case, rows: tuple[Mapping[str, Any], ...], who: str, at: datetime) -> list[Verdict]:
    """Of the rows that people made of this one, that of the edit which holds is kept, and no other."""
    holding = case.history.holding or {}
    survivor = holding.get("survivor_id") if holding.get("reason") == "edited" else None
    verdicts = []
    for row in rows:
        fresh = {"label": row["label"], "status": "accepted", "scores": {}}
        verdicts.append(_revision(row["id"], History(), who, at, fresh))
    for id, history in case.made.items():
        if history.is_kept != (id == survivor):
            before = dict(history.last or {})
            state = {"status": "accepted", "reason": None} if id == survivor else {"status": "rejected"}
            verdicts.append(_revision(id, history, who, at, {**before, "reason": UNDONE, **state}))
    return verdicts


def _revision(id: str, history: History, who: str, at: datetime, verdict: Mapping[str, Any]) -> Verdict:
    return {
        "id": id,
        "revision": history.revision + 1,
        "stage": STAGE,
        "label": verdict.get("label"),
        "status": verdict["status"],
        "reason": verdict.get("reason"),
        "scores": dict(verdict.get("scores") or {}),
        # a person names one label, which is to be learnt whole; what holds again after an undo is as it was
        "shares": verdict.get("shares") if verdict.get("reason") == UNDONE else None,
        "survivor_id": verdict.get("survivor_id"),
        "weight": _weight(verdict),
        "auditor": who,
        "at": at,
    }


def _weight(verdict: Mapping[str, Any]) -> float | None:
    """People's word counts in full; what holds again after an undo counts as it did."""
    if verdict["status"] not in KEPT:
        return 0.0
    return verdict.get("weight") if verdict.get("reason") == UNDONE else 1.0


def _rewritten(case: Case, edit: Mapping[str, Any], label: str) -> dict[str, Any]:
    row = {name: None for name in ROW_SCHEMA.names} | {name: case.row[name] for name in CONTENT}
    return row | {
        "id": digest("human", case.id, case.history.revision + 1),
        "round": case.row["round"],
        "wave": case.row["wave"],
        "source": "human",
        "label": label,
        "intended_label": case.row["intended_label"],
        "labels": case.row["labels"] and label.split("+"),
        "method": EDIT,
        "seed_ids": [case.id],
        "attributes": {},
        "sampling": {},
        **edit,
    }


def _scores(case: Case) -> dict[str, float]:
    return dict((case.history.machine or {}).get("scores") or {})


def _is_defect(case: Case, reason: str, edit: Mapping[str, Any], label: str) -> bool:
    """What the dataset says of the row was wrong; a new wording alone does not say so."""
    if reason != "edited":
        return reason != "confirmed"
    if label != case.label:
        return True
    if "tags" not in edit:
        return False
    same_text = edit.get("tokens", case.row["tokens"]) == case.row["tokens"]
    return same_text or _slots(edit["tags"]) != _slots(case.row["tags"])


def _slots(tags: list[str]) -> list[str]:
    return [tag[2:] for tag in tags if tag != OUTSIDE and tag.startswith("B-")]
