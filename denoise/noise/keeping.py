"""How often an LM keeps the label that it was asked for, seen without any true label.

What a judge and the intended label say of a row together was set where a small LM kept USUAL of its labels. Of another
LM the same evidence says more or less. How much is found by expectation maximisation for a shifted prior (Saerens,
Latinne and Decaestecker 2002, "Adjusting the outputs of a classifier to new a priori probabilities"), on whether a row
is of its intended label or not.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.special import expit, log_softmax, logit

from denoise.noise.calibration import NONE, Calibration, Evidence

USUAL = 0.72  # about that of the rows on which bars and calibrations were set (docs/denoise.md)
PSEUDO_ROWS = 20.0  # that this is worth
_STEPS, _LEAST = 500, 1e-6


def share_kept(evidence: Evidence, calibration: Calibration) -> float:
    """The share of rows that are of their intended label, 0..1; USUAL where no row was made for one that is known.

    A label that is 0 in all rows of the first opinion had no seeds: nobody knows it.
    """
    meant = evidence.intended != NONE
    known = meant & np.any(evidence.opinions[0], axis=0)[evidence.intended]
    asked = evidence.chosen(np.flatnonzero(known))
    said = calibration.probabilities(asked)[np.arange(len(asked)), asked.intended]
    odds, share = logit(np.clip(said, _LEAST, 1 - _LEAST)) - logit(USUAL), USUAL
    for _ in range(_STEPS):
        before = share
        share = float((expit(odds + logit(share)).sum() + PSEUDO_ROWS * USUAL) / (len(asked) + PSEUDO_ROWS))
        if abs(share - before) < _LEAST:
            break
    return share


def leaning(calibration: Calibration, share: float) -> Calibration:
    """A calibration for an LM that keeps this share of its labels."""
    return replace(calibration, intended=max(0.0, calibration.intended + _shift(share)))


def leant(probabilities: np.ndarray, intended: np.ndarray, share: float) -> np.ndarray:
    """A judge's probabilities [n, labels] for such an LM: the intended label is made likelier, or less likely.

    A label of probability 0 stays so, as do rows of no intended label.
    """
    with np.errstate(divide="ignore"):
        logits = np.log(probabilities)
    rows = np.flatnonzero(intended != NONE)
    logits[rows, intended[rows]] += _shift(share)
    return np.exp(log_softmax(logits, axis=1))


def _shift(share: float) -> float:
    return float(logit(min(max(share, _LEAST), 1 - _LEAST)) - logit(USUAL))
