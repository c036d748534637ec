"""Labels of rows that nobody has checked, from the rows alone: a student and a noise channel that correct each other.

The student says what it thinks of rows that it has not seen, the channel how given labels go wrong; both together what
each row's label probably is. From that a less misled student is trained, and so on.
"""

from __future__ import annotations

import numpy as np

from denoise.noise.channel import through_channel
from denoise.noise.out_of_fold import Rows, out_of_fold
from denoise.noise.soft import soft_out_of_fold

ROUNDS = 2


def self_taught(
    vectors: np.ndarray, given: np.ndarray, folds: np.ndarray, labels: int, rounds: int = ROUNDS
) -> np.ndarray:
    """P(true label), float64 [n, labels], of rows with unit vectors [n, d] and given label numbers [n].

    `folds` [n] decide who is asked by whom. After the first student come `rounds` more. Rows whose given label is most
    likely wrong are those with the least probability of it.
    """
    posterior = through_channel(out_of_fold(Rows.alike(vectors, given), folds, labels), given)
    for _ in range(rounds):
        posterior = through_channel(soft_out_of_fold(vectors, posterior, folds), given)
    return posterior
