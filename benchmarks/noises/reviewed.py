"""People look at some generated rows: what is then released, and what a student is worth that learns from it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from denoise.audit.sampling import favour
from denoise.noise.calibration import Evidence
from denoise.noise.decision import TARGET, decide
from denoise.noise.out_of_fold import Rows
from noises.generated import Generated

SURE_SHARE = 0.75
REVIEWER_ERROR = 0.05  # how often a simulated reviewer gives a wrong label, any other alike


@dataclass(frozen=True)
class Effort:
    """After `verdicts`, of which some are a reviewer's mistakes: the share of rows released, the percent of those that
    carry another label than the oracle's, the same of the surest SURE_SHARE of all rows, and the accuracy of linear
    heads on what is released, as in Outcome.
    """

    verdicts: int
    released: float
    wrong: float
    surest_wrong: float
    frozen: float
    tuned: float


def efforts(rows: Generated, counts: tuple[int, ...], repeats: int) -> Iterator[Effort]:
    """Each number of verdicts `repeats` times, with other rows drawn and other mistakes each time.

    Rows are decided on as runs with `denoise.target_noise` do it. Doubtful rows are likelier to be looked at. What a
    person says of a row holds, and the calibration is moved by it, so that the other rows are decided on anew.
    """
    labels = rows.split.labels
    evidence = Evidence((rows.judged, rows.second), rows.intended)
    doubt = 1 - rows.calibration.probabilities(evidence).max(axis=1)
    for count in counts:
        for repeat in range(repeats if count else 1):
            draw = np.random.default_rng(1000 * count + repeat)
            seen = favour(doubt, count, 1000 * count + repeat)[0] if count else np.zeros(0, np.int64)
            said = _said(rows.oracle[seen], len(labels), draw)
            told = [(evidence.chosen(seen), said, 1.0)]
            calibration = rows.calibration.fitted(told)
            opinions = decide(evidence, rows.texts, labels, calibration, TARGET)
            names = {name: place for place, name in enumerate(labels)}
            final = np.array([names[each.label] if each.weight > 0 else -1 for each in opinions])
            weights = np.array([each.weight for each in opinions])
            final[seen], weights[seen] = said, 1.0
            chances = calibration.probabilities(evidence)
            best, wrong = chances.argmax(axis=1), 1 - chances.max(axis=1)
            best[seen], wrong[seen] = said, REVIEWER_ERROR
            surest = np.argsort(wrong, kind="stable")[: round(SURE_SHARE * len(wrong))]
            surest_wrong = 100 * float(np.mean(best[surest] != rows.oracle[surest]))
            yield _effort(rows, len(seen), final, weights, surest_wrong)


def _said(true: np.ndarray, labels: int, draw: np.random.Generator) -> np.ndarray:
    """A reviewer's labels: now and then another one."""
    other = (true + draw.integers(1, labels, len(true))) % labels
    return np.where(draw.random(len(true)) < REVIEWER_ERROR, other, true)


def _effort(rows: Generated, verdicts: int, final: np.ndarray, weights: np.ndarray, surest_wrong: float) -> Effort:
    kept = final >= 0
    wrong = 100 * float(np.mean(final[kept] != rows.oracle[kept]))
    taught = [Rows(each.of(rows.texts), final, weights).chosen(kept) for each in rows.learners]
    heads = [rows.student(each, part) for each, part in zip(rows.learners, taught, strict=True)]
    return Effort(verdicts, float(kept.mean()), wrong, surest_wrong, *heads)
