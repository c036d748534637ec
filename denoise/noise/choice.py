"""What an LM says of labels in several ways, as one opinion, and how far it may be trusted.

Batch calibration (Zhou et al. 2024, "Batch calibration: rethinking calibration for in-context learning and prompt
engineering"): what a way says of a label on average over many texts is its habit, not the texts', and is taken off.
"""

from __future__ import annotations

import numpy as np
from scipy.special import softmax

from denoise.noise.calibration import NONE, Calibration, Evidence


def choice_opinion(logprobs: np.ndarray) -> np.ndarray:
    """Probabilities float64 [n, labels] from logprobs [ways, n, labels] of labels as answers, nan where not asked.

    Ways are averaged as logprobs. A label that a text was not asked about is as likely as the least likely one that
    it was.
    """
    ways, rows, labels = logprobs.shape
    if not rows or not ways:
        return np.full((rows, labels), 1 / labels)
    asked = ~np.isnan(logprobs)
    counts = np.maximum(asked.sum(axis=1, keepdims=True), 1)
    habit = np.where(asked, logprobs, 0.0).sum(axis=1, keepdims=True) / counts
    calibrated = np.where(asked, logprobs - habit, np.nan)
    lowest = np.nanmin(np.where(asked.any(axis=2, keepdims=True), calibrated, 0.0), axis=2, keepdims=True)
    return softmax(np.where(asked, calibrated, lowest).mean(axis=0), axis=1)


def trusted_with(calibration: Calibration, left_out: np.ndarray, lm: np.ndarray, true: np.ndarray) -> Calibration:
    """A calibration of two opinions with that of the LM as a third, trusted as far as rows with known labels show.

    `left_out` [m, labels] is what the plain opinion says of these rows without having seen them, `lm` [m, labels] what
    the LM says, `true` [m] their labels. Without any such row, or where the LM knows nothing, its trust is 0.
    """
    joined = Calibration((*calibration.trust, 0.0), calibration.intended)
    return joined.fitted([(Evidence((left_out, left_out, lm), np.full(len(true), NONE)), true, 1.0)])


def expected_wrong(opinions: tuple[np.ndarray, ...], calibration: Calibration) -> np.ndarray:
    """The probability that the likeliest label of each row is wrong, float64 [n]."""
    evidence = Evidence(opinions, np.full(len(opinions[0]), NONE))
    return 1 - calibration.probabilities(evidence).max(axis=1, initial=0.0)
