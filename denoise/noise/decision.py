"""From opinions on rows to what happens to each: kept, relabelled, held or rejected, to keep as few wrong as stated.

No threshold is fixed. Rows are kept from the surest on while the expected share of wrong labels among the kept ones
stays within `target`; what is then more likely right than wrong is held, the rest is rejected.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from denoise.noise.agreement import SURE, WRONG, Agreement
from denoise.noise.calibration import NONE, Calibration, Evidence

TARGET = 0.05  # what benchmarks and docs aim at
PSEUDO_ROWS = 20.0  # audited rows that the model's own estimate of noise is worth


@dataclass(frozen=True)
class Noise:
    """The share of wrong labels among kept rows: an estimate and its 95 % interval."""

    share: float
    low: float
    high: float


def decide(
    evidence: Evidence, ids: Sequence[str], labels: Sequence[str], calibration: Calibration, target: float
) -> list[Agreement]:
    """One opinion a row; `scores` has `label_wrong` beside the judge's, which is the first of the opinions.

    Depends on neither the order of rows nor, but for how many are kept, on other rows. A label that is 0 in all rows of
    the first opinion had no seeds: as nobody knows it, its rows are kept unless another has SURE or more, and count in
    no noise. Raises ValueError on opinions that are not finite or of another shape.
    """
    _refuse_odd(evidence, len(ids), len(labels))
    if not len(ids):
        return []
    judged: np.ndarray = evidence.opinions[0]
    probabilities = calibration.probabilities(evidence)
    final = _final(probabilities, evidence.intended)
    wrong = 1 - probabilities[np.arange(len(final)), final]
    unknown = (evidence.intended != NONE) & ~np.any(judged, axis=0)[evidence.intended]
    doubted = judged.max(axis=1)
    final = np.where(unknown & (doubted < SURE), evidence.intended, final)
    wrong = np.where(unknown, np.where(doubted < SURE, doubted, 1 - doubted), wrong)
    kept = unknown.copy()
    kept[~unknown] = keepable(wrong[~unknown], [ids[place] for place in np.flatnonzero(~unknown)], target)
    return [
        _opinion(place, labels, evidence, int(final[place]), float(wrong[place]), bool(kept[place]))
        for place in range(len(ids))
    ]


def keepable(wrong: np.ndarray, ids: Sequence[str], target: float) -> np.ndarray:
    """The most rows whose mean probability of a wrong label is `target` or less, bool [n]: the surest, then by id."""
    order = sorted(range(len(ids)), key=lambda place: (wrong[place], ids[place]))
    means = np.cumsum(wrong[order]) / np.arange(1, len(order) + 1)
    kept = np.zeros(len(ids), bool)
    kept[order[: int(np.searchsorted(means, target, side="right"))]] = True
    return kept


def noise_of(wrong: Sequence[float], audited: Sequence[bool] = ()) -> Noise:
    """The noise of kept rows from their `label_wrong`, and from whether the `audited` ones among them were wrong.

    A Beta posterior: what the scores say counts as PSEUDO_ROWS rows, each audited row as one. Without any audited row
    the interval is as wide as that trust in the scores.
    """
    from scipy.stats import beta

    expected = float(np.mean(wrong)) if len(wrong) else 0.0
    bad = PSEUDO_ROWS * expected + sum(audited)
    good = PSEUDO_ROWS * (1 - expected) + len(audited) - sum(audited)
    low, high = (float(beta.ppf(q, max(bad, 1e-3), max(good, 1e-3))) for q in (0.025, 0.975))
    return Noise(bad / (bad + good), low, high)


def _final(probabilities: np.ndarray, intended: np.ndarray) -> np.ndarray:
    """The likeliest label; a tie goes to the intended one."""
    best = probabilities.argmax(axis=1)
    rows = np.arange(len(best))
    ties = (intended != NONE) & (probabilities[rows, intended] == probabilities[rows, best])
    return np.where(ties, intended, best)


def _opinion(place: int, labels: Sequence[str], evidence: Evidence, final: int, wrong: float, kept: bool) -> Agreement:
    row, intended = evidence.opinions[0][place], int(evidence.intended[place])
    second, confidence = (float(p) for p in np.sort(row)[-2:])
    scores = {"judge_confidence": confidence, "judge_margin": confidence - second, WRONG: wrong}
    if intended != NONE:
        scores["judge_intended"] = float(row[intended])
    stays = intended in (NONE, final)
    if kept:
        status, reason = ("accepted", None) if stays else ("relabelled", "label_disagrees")
        return Agreement(status, labels[final], reason, scores)
    status = "held" if wrong < 0.5 else "rejected"
    own = labels[intended] if intended != NONE else None
    return Agreement(status, own, "judge_unsure" if stays else "label_disagrees", scores)


def _refuse_odd(evidence: Evidence, rows: int, labels: int) -> None:
    shapes = {each.shape for each in evidence.opinions} | {(len(evidence), labels)}
    if shapes != {(rows, labels)} or not all(np.isfinite(each).all() for each in evidence.opinions):
        raise ValueError(f"opinions must be finite and of shape {(rows, labels)}; got {sorted(shapes)}")
