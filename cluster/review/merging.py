"""Two people's verdicts on a row as one, by WANLI's rule (`denoise.audit.merge`)."""

from __future__ import annotations

from datetime import datetime

from cluster.audit.frame import DECIDED, MERGED
from cluster.review.cases import Case, Verdict
from cluster.review.verdicts import again, settled
from denoise.audit.merge import Answer, merge_answers

RULE = "wanli"  # the name of the setting `assurance.merge`


def merged(case: Case, who: str, at: datetime) -> tuple[Verdict, ...]:
    """The revisions by which the rule's verdict holds; none where it does so already, or not just two people judged.

    It is given again as its own person's, marked `merged`. `who` gave the last verdict, at the moment `at`.
    """
    given = case.judged
    if len(given) != 2 or any(DECIDED in verdict["scores"] for verdict in given.values()):
        return ()
    answers = {person: _answer(person, verdict) for person, verdict in given.items()}
    first, last = given
    if merge_answers(answers[first], answers[last], case.id) == answers[last]:
        return ()
    verdict = again(case, given[first], **{MERGED: 1.0})
    return verdict, *settled(case.plus(verdict), (), who, at)


def _answer(person: str, verdict: Verdict) -> Answer:
    """As the rule knows it. Revisions are told apart by who made them, so that no draw hangs on who came first."""
    if verdict["reason"] == "discarded":
        return Answer(discarded=True)
    return Answer(label=verdict["label"], revision=person if verdict["reason"] == "edited" else None)
