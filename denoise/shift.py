"""Whether a batch of real texts is like earlier ones: its labels, its meanings, and what belongs to no label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

PERMUTATIONS = 999
# from where a shift is told: the usual bar of a population stability index, and of a permutation test
GREAT_PSI, SMALL_P = 0.25, 0.01
_SMOOTHING = 0.5  # rows that each label is given before shares are taken


@dataclass(frozen=True)
class Batch:
    """A random sample of a batch: what a student calls each row, its vector [n, d], and whether it is out of scope."""

    labels: Sequence[str]
    vectors: np.ndarray
    outside: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Shift:
    """From `before` rows to `rows` later ones.

    `psi`: population stability index of the labels; `js`: their Jensen-Shannon divergence, 0..1 (in bits). `mean`: the
    distance of the mean vectors. `label_p` and `p_value`: how often a random division of all rows brings as great an
    index, and as great a distance. `outside` and `outside_before`: shares of rows that are out of scope.
    """

    before: int
    rows: int
    psi: float
    js: float
    mean: float
    p_value: float
    outside: float
    outside_before: float
    label_p: float = 0.0

    @property
    def is_great(self) -> bool:
        """Whether labels or meanings have moved further than chance and habit explain.

        Chance alone brings an index of about labels / rows on either side: of many labels, more than the bar.
        """
        return (self.psi > GREAT_PSI and self.label_p < SMALL_P) or self.p_value < SMALL_P


def shift(before: Batch, now: Batch, seed: int = 0) -> Shift:
    """Compare two batches. Raises ValueError where one has no rows."""
    if not len(before) or not len(now):
        raise ValueError(f"batches must have rows; got {len(before)} and {len(now)}")
    old, new = label_shares(before.labels, now.labels)
    mean, p_value = mean_shift(before.vectors, now.vectors, seed)
    outside = float(np.mean(now.outside)), float(np.mean(before.outside))
    label_p = label_chance(before.labels, now.labels, seed)
    return Shift(len(before), len(now), psi(old, new), js(old, new), mean, p_value, *outside, label_p)


def label_shares(before: Sequence[str], now: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Shares of the labels that either has, smoothed, so that none is 0."""
    numbers = np.unique([*before, *now], return_inverse=True)[1]
    return _shares(numbers, len(before))


def _shares(numbers: np.ndarray, first: int) -> tuple[np.ndarray, np.ndarray]:
    """Shares of label numbers [n], of the `first` and of the others."""
    most = int(numbers.max()) + 1
    counts = (np.bincount(part, minlength=most) + _SMOOTHING for part in (numbers[:first], numbers[first:]))
    old, new = (count / count.sum() for count in counts)
    return old, new


def label_chance(before: Sequence[str], now: Sequence[str], seed: int = 0) -> float:
    """p-value of a permutation test of PERMUTATIONS of the labels' index."""
    numbers, draw = np.unique([*before, *now], return_inverse=True)[1], np.random.default_rng(seed)
    found = psi(*_shares(numbers, len(before)))
    others = [psi(*_shares(draw.permutation(numbers), len(before))) for _ in range(PERMUTATIONS)]
    return (1 + sum(other >= found - 1e-12 for other in others)) / (1 + PERMUTATIONS)


def psi(before: np.ndarray, now: np.ndarray) -> float:
    """Population stability index of two distributions without zeros: the symmetric sum of both divergences."""
    return float(np.sum((now - before) * np.log(now / before)))


def js(before: np.ndarray, now: np.ndarray) -> float:
    """Jensen-Shannon divergence (Lin 1991) in bits: 0 for equal distributions, 1 for disjoint ones."""
    middle = (before + now) / 2
    return float(sum(np.sum(each * np.log2(each / middle)) for each in (before, now)) / 2)


def mean_shift(before: np.ndarray, now: np.ndarray, seed: int = 0) -> tuple[float, float]:
    """Distance of the means of vectors [m, d] and [n, d], and the p-value of a permutation test of PERMUTATIONS."""
    rows = np.concatenate([before, now]).astype(np.float64)
    total, draw = rows.sum(axis=0), np.random.default_rng(seed)
    chosen = np.zeros((PERMUTATIONS + 1, len(rows)))
    chosen[0, len(before) :] = 1
    for each in chosen[1:]:
        each[draw.permutation(len(rows))[: len(now)]] = 1
    later = chosen @ rows
    found = np.linalg.norm(later / len(now) - (total - later) / len(before), axis=1)
    return float(found[0]), float(np.mean(found >= found[0] - 1e-12))
