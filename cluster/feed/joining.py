"""What becomes of picks: they join the dataset, go to people, wait, or are out of scope."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from cluster.feed.record import FOR_PEOPLE, OUT_OF_SCOPE, STAGE, WAITS
from cluster.feed.settings import FeedSettings
from denoise.audit.budgets import Doubts
from denoise.noise.agreement import WRONG
from denoise.noise.calibration import NONE, Calibration, Evidence
from denoise.noise.decision import decide
from denoise.noise.soft import label_shares

_FACES = ("student", "plain", "lm")
_OWN = 2  # of them that no prompt reaches


@dataclass(frozen=True)
class Decided:
    """What is said of one row; `wrong` is the probability that `label` is."""

    id: str
    label: str
    status: str
    reason: str | None
    wrong: float
    weight: float
    scores: Mapping[str, float]
    shares: Mapping[str, float]

    def verdict(self, revision: int = 0) -> dict[str, Any]:
        """As a row of VERDICT_SCHEMA."""
        told = {"id": self.id, "revision": revision, "stage": STAGE, "label": self.label, "status": self.status}
        told |= {"reason": self.reason, "scores": dict(self.scores), "shares": dict(self.shares) or None}
        return told | {"weight": self.weight, "at": datetime.now(UTC)}


def decide_picks(
    ids: Sequence[str],
    opinions: Sequence[np.ndarray],
    calibration: Calibration,
    outside: np.ndarray,
    labels: Sequence[str],
    settings: FeedSettings,
    looks: int,
    queued: Collection[int] = (),
) -> list[Decided]:
    """One decision a row, in order, from `opinions` [n, labels] each and which rows are `outside` of all labels.

    The surest rows join as long as the expected share of wrong labels among them stays within `settings.noise`. The
    third opinion, the LM's, makes a row surer or less sure, and never joins it under a label that the others do not
    find likeliest: a text can talk the LM into one. Of the other rows the least sure go to people, as many as they have
    `looks` for (Wang et al. 2021), beside those that are `queued` for them already; the rest waits.
    """
    evidence = Evidence(tuple(opinions), np.full(len(ids), NONE))
    probabilities = calibration.probabilities(evidence)
    best = _by_own(evidence, calibration)
    wrong = 1 - probabilities[np.arange(len(ids)), best]
    asked = np.flatnonzero(~outside & (probabilities.argmax(axis=1) == best))
    agreed = decide(evidence.chosen(asked), [ids[place] for place in asked], labels, calibration, settings.noise)
    told = dict(zip(asked.tolist(), agreed, strict=True))
    joined = {place for place, each in told.items() if each.status == "accepted"}
    doubtful = [place for place in np.flatnonzero(~outside).tolist() if place not in joined]
    new = sorted(set(doubtful).difference(queued), key=lambda place: (-wrong[place], ids[place]))
    queue = {*queued, *new[: max(0, looks)]}
    found = []
    reason: str | None
    for place, shares in enumerate(label_shares(evidence, calibration, labels)):
        status, reason = "held", (FOR_PEOPLE if place in queue else WAITS)
        if outside[place]:
            status, reason = "rejected", OUT_OF_SCOPE
        elif place in joined:
            status, reason = "accepted", None
        weight = told[place].weight if place in joined else 0.0
        scores = dict(told[place].scores) if place in told else {WRONG: float(wrong[place])}
        says = (float(each[place, best[place]]) for each in opinions)
        scores |= {f"{face}_says": share for face, share in zip(_FACES, says, strict=False)}
        label = labels[int(best[place])]
        found.append(Decided(ids[place], label, status, reason, float(wrong[place]), weight, scores, shares))
    return found


def _by_own(evidence: Evidence, calibration: Calibration) -> np.ndarray:
    """The label that the opinions which no prompt reaches find likeliest, int [n]."""
    own = Calibration(calibration.trust[:_OWN], calibration.intended)
    return own.probabilities(Evidence(evidence.opinions[:_OWN], evidence.intended)).argmax(axis=1)


def looks_for_all(wrong: Sequence[float], noise: float) -> int | None:
    """How many rows in scope people would have to label so that all may join; None: no number is enough.

    `wrong` are probabilities that their labels are.
    """
    share = Doubts.of(np.array(wrong)).share_for(noise) if len(wrong) else 0.0
    return None if share is None else int(np.ceil(share * len(wrong) - 1e-9))
