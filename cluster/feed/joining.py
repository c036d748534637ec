"""What becomes of picks: they join the dataset, go to people, wait, or are out of scope."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
) -> list[Decided]:
    """One decision a row, in order, from `opinions` [n, labels] each and which rows are `outside` of all labels.

    The surest rows join as long as the expected share of wrong labels among them stays within `settings.noise`. Of the
    others the least sure go to people, as many as they have `looks` for (Wang et al. 2021); the rest waits.
    """
    inside = np.flatnonzero(~outside)
    meant = np.full(len(ids), NONE)
    evidence = Evidence(tuple(opinions), meant)
    probabilities = calibration.probabilities(evidence)
    best = probabilities.argmax(axis=1)
    shares = label_shares(evidence, calibration, labels)
    agreed = decide(evidence.chosen(inside), [ids[place] for place in inside], labels, calibration, settings.noise)
    by_place = dict(zip(inside.tolist(), agreed, strict=True))
    wrong = 1 - probabilities[np.arange(len(ids)), best]
    doubtful = [place for place, each in by_place.items() if each.status != "accepted"]
    queue = set(sorted(doubtful, key=lambda place: (-wrong[place], ids[place]))[: max(0, looks)])
    found = []
    for place, id in enumerate(ids):
        opinion = by_place.get(place)
        if opinion is None:
            status, reason, weight = "rejected", OUT_OF_SCOPE, 0.0
        elif opinion.status == "accepted":
            status, reason, weight = "accepted", None, opinion.weight
        else:
            status, reason, weight = "held", FOR_PEOPLE if place in queue else WAITS, 0.0
        scores = dict(opinion.scores) if opinion else {WRONG: float(wrong[place])}
        scores |= {
            f"{face}_says": float(each[place, best[place]]) for face, each in zip(_FACES, opinions, strict=False)
        }
        label = labels[int(best[place])]
        found.append(Decided(id, label, status, reason, float(wrong[place]), weight, scores, shares[place]))
    return found


def looks_for_all(wrong: Sequence[float], noise: float) -> int | None:
    """How many rows in scope people would have to label so that all may join; None: no number is enough.

    `wrong` are probabilities that their labels are.
    """
    share = Doubts.of(np.array(wrong)).share_for(noise) if len(wrong) else 0.0
    return None if share is None else int(np.ceil(share * len(wrong) - 1e-9))
