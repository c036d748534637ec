"""Whether the judge, trained on the seeds alone, agrees with the label that a text was generated for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from denoise.settings import DenoiseSettings
from generation.records import KEPT

SURE = 0.9  # the probability of another label that takes a row from one that the judge does not know
WRONG = "label_wrong"  # the score: probability that a row's final label is wrong (denoise.noise.decision)


@dataclass(frozen=True)
class Agreement:
    """What follows from the judge's opinion on one row; `label` is the final one.

    `scores`: `judge_confidence` (probability of its best label), `judge_margin` (to the second best) and, where a
    label was intended, `judge_intended` (probability of that one), all as they lean on it (denoise.noise.keeping).
    Without a judge there are none. `shares`: how likely
    each label is to be right (denoise.noise.soft), where that is asked for.
    """

    status: str
    label: str | None
    reason: str | None
    scores: dict[str, float]
    shares: dict[str, float] = field(default_factory=dict)

    @property
    def certainty(self) -> float:
        """The confidence in the final label: the decision's, else the judge's.

        Where the judge does not know the label, what it leaves to others.
        """
        if WRONG in self.scores:
            return 1 - self.scores[WRONG]
        confidence = self.scores.get("judge_confidence", 1.0)  # 1: there is no judge
        unknown = self.status == "accepted" and self.scores.get("judge_intended", confidence) < confidence
        return 1 - confidence if unknown else confidence

    @property
    def weight(self) -> float:
        """What the row counts in training: the square of its certainty, 0 for one that is not kept.

        A row of which the judge is less sure is more often wrong; how the square was chosen stands in docs/results.md.
        """
        return self.certainty**2 if self.status in KEPT else 0.0


def agreements(
    intended: Sequence[str | None], probabilities: np.ndarray, labels: Sequence[str], settings: DenoiseSettings
) -> list[Agreement]:
    """One Agreement a row; `probabilities` float [n, labels], columns in the order of `labels`.

    `settings.accept` and `settings.relabel` are counted from chance, see `above_chance`. The judge agrees and reaches
    `accept`: accepted; agrees with less: rejected, `judge_unsure`. Another label reaches `relabel`: relabelled to it;
    else rejected, `label_disagrees`. A row without an intended label takes the judge's at `relabel`, else
    `judge_unsure`. A label that is 0 in all rows had no seeds: the judge does not know it, so its rows are kept unless
    another label has SURE or more. Raises ValueError on probabilities that are not finite or of another shape, and on
    an unknown label.
    """
    if probabilities.shape != (len(intended), len(labels)) or not np.isfinite(probabilities).all():
        shape = (len(intended), len(labels))
        raise ValueError(f"judge probabilities must be finite and of shape {shape}; got {probabilities.shape}")
    if unknown := set(intended) - {*labels, None}:
        raise ValueError(f"intended labels must be among {list(labels)}; got {sorted(map(str, unknown))}")
    known = {label for label, column in zip(labels, probabilities.T, strict=True) if column.any()}
    rows = zip(intended, probabilities, strict=True)
    return [_agreement(label, row, labels, settings, label not in known) for label, row in rows]


def unjudged(intended: Sequence[str | None]) -> list[Agreement]:
    """Where there is no judge, each row keeps the label that it was made for."""
    return [Agreement("accepted", label, None, {}) for label in intended]


def above_chance(share: float, labels: int) -> float:
    """The probability that lies `share` of the way from chance (1 / labels) to 1: a bar that fits any number."""
    return 1 / labels + (1 - 1 / labels) * share


def _agreement(
    intended: str | None, row: np.ndarray, labels: Sequence[str], settings: DenoiseSettings, unseeded: bool
) -> Agreement:
    second, confidence = (float(p) for p in np.sort(row)[-2:])
    scores = {"judge_confidence": confidence, "judge_margin": confidence - second}
    best = labels[int(row.argmax())]
    accept, relabel = (above_chance(share, len(labels)) for share in (settings.accept, settings.relabel))
    if intended is None:
        sure = confidence >= relabel
        return Agreement("accepted", best, None, scores) if sure else _rejected(None, "judge_unsure", scores)
    scores["judge_intended"] = float(row[labels.index(intended)])
    if scores["judge_intended"] == confidence:  # a tie is agreement
        if confidence >= accept:
            return Agreement("accepted", intended, None, scores)
        return _rejected(intended, "judge_unsure", scores)
    if confidence >= (max(SURE, relabel) if unseeded else relabel):
        return Agreement("relabelled", best, "label_disagrees", scores)
    if unseeded:
        return Agreement("accepted", intended, None, scores)
    return _rejected(intended, "label_disagrees", scores)


def _rejected(label: str | None, reason: str, scores: dict[str, float]) -> Agreement:
    return Agreement("rejected", label, reason, scores)
