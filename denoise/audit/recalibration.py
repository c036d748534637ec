"""What people's verdicts say of a judge's own doubt: is it right as often as it believes?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, logit

SPREAD_SHIFT, SPREAD_SLOPE = 1.5, 0.5  # prior standard deviations: a handful of verdicts moves the shift before all
_LEAST = 1e-4


@dataclass(frozen=True)
class Recalibration:
    """logit of being wrong = shift + slope · logit of the judge's doubt (Platt 1999); as it stands nothing changes."""

    shift: float = 0.0
    slope: float = 1.0

    def wrong(self, doubt: np.ndarray) -> np.ndarray:
        """Probabilities that rows are wrong, float64 [n], from the judge's doubts, each in 0..1."""
        return expit(self.shift + self.slope * _logits(doubt))


def recalibrated(doubt: np.ndarray, wrong: np.ndarray) -> Recalibration:
    """The most likely one given rows of which people said whether they are `wrong` (bool [n]), under a normal prior.

    Without rows it is the one that changes nothing. A row that was looked at because it was doubted counts as any
    other: what is fitted is how wrong rows are *given* their doubt.
    """
    if not len(doubt):
        return Recalibration()
    logits, said = _logits(doubt), np.asarray(wrong, bool)

    def loss(values: np.ndarray) -> float:
        given = values[0] + values[1] * logits
        surprise = float(np.sum(np.logaddexp(0.0, np.where(said, -given, given))))
        return surprise + (values[0] / SPREAD_SHIFT) ** 2 / 2 + ((values[1] - 1) / SPREAD_SLOPE) ** 2 / 2

    found = minimize(loss, np.array([0.0, 1.0]), method="L-BFGS-B", bounds=[(None, None), (0.0, None)]).x
    return Recalibration(float(found[0]), float(found[1]))


def _logits(doubt: np.ndarray) -> np.ndarray:
    return logit(np.clip(np.asarray(doubt, np.float64), _LEAST, 1 - _LEAST))
