"""How given labels come to be wrong, learnt from the rows alone: a noise channel by expectation maximisation.

P(true label | text, given label) ∝ P(true | text) · P(given | true). The first factor is an out-of-fold opinion, which
is sharpened until the given labels are likeliest; the second is the channel (Dawid and Skene 1979, with the text as one
more annotator). Nothing but the given labels is fitted to, so no row with a known label is needed.

It holds where labels became wrong whatever the text says, as of people or machines who labelled what was there. It does
not hold for generated texts, which are made to look like the label they were asked for (docs/denoise.md).
"""

from __future__ import annotations

import numpy as np
from scipy.special import log_softmax, logsumexp

PRIOR_ROWS = 5.0  # of each true label, that the smoothed channel is worth
SHARPNESS = (1.0, 1.5, 2.0, 3.0, 4.0)
_STEPS = 12
_LEAST = 1e-9


def channel_of(posterior: np.ndarray, given: np.ndarray) -> np.ndarray:
    """P(given | true), float64 [true, given], from P(true) of each row [n, labels] and given labels [n].

    Smoothed by PRIOR_ROWS rows, of which as many keep their label as do on average.
    """
    labels = posterior.shape[1]
    counts = np.stack([np.bincount(given, weights=column, minlength=labels) for column in posterior.T]).astype(float)
    kept = np.trace(counts) / max(counts.sum(), _LEAST)
    prior = np.full((labels, labels), (1 - kept) / max(labels - 1, 1))
    np.fill_diagonal(prior, kept)
    counts = counts + PRIOR_ROWS * prior
    return counts / counts.sum(axis=1, keepdims=True)


def through_channel(probabilities: np.ndarray, given: np.ndarray) -> np.ndarray:
    """P(true | text, given), float64 [n, labels], from out-of-fold P(true | text) [n, labels] and given labels [n]."""
    if not len(given):
        return probabilities.astype(np.float64)
    logs = np.log(np.maximum(probabilities, _LEAST))
    tried = [_maximised(log_softmax(sharpness * logs, axis=1), given) for sharpness in SHARPNESS]
    return max(tried, key=lambda each: each[0])[1]


def _maximised(logs: np.ndarray, given: np.ndarray) -> tuple[float, np.ndarray]:
    """The log likelihood of the given labels, and the posterior that reaches it."""
    posterior, likelihood = np.exp(logs), 0.0
    for _ in range(_STEPS):
        joint = logs + np.log(np.maximum(channel_of(posterior, given)[:, given].T, _LEAST))
        rows = logsumexp(joint, axis=1)
        posterior, likelihood = np.exp(joint - rows[:, None]), float(rows.mean())
    return likelihood, posterior
