"""The exact course of a sampling plan: how likely it is to end where, by dynamic programming over (rows, defects)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import gammaln, xlog1py, xlogy


@dataclass(frozen=True)
class Ends:
    """Where a plan ends: after `checked` rows [e] with `defects` [e], `passed` [e] or not, at `mass` [e, rates]."""

    checked: np.ndarray
    defects: np.ndarray
    passed: np.ndarray
    mass: np.ndarray

    @property
    def accepts(self) -> np.ndarray:
        """Probability that the lot passes, [rates]."""
        return self.mass[self.passed].sum(axis=0)

    @property
    def expected(self) -> np.ndarray:
        """Expected rows, [rates]."""
        return self.checked @ self.mass


@dataclass(frozen=True)
class Walk:
    """All ways from `start` (rows checked, defects found) to the ends [e]; `log_paths` [e]: in how many orders."""

    checked: np.ndarray
    defects: np.ndarray
    passed: np.ndarray
    log_paths: np.ndarray
    start: tuple[int, int]
    lot: int | None

    def at(self, rates: np.ndarray) -> Ends:
        """How likely each end is at these defect rates [rates].

        A lot of N rows has round(rate * N) defects, drawn without putting back.
        """
        n, d = self.checked[:, None] - self.start[0], self.defects[:, None] - self.start[1]
        if self.lot is None:
            law = xlogy(d, rates) + xlog1py(n - d, -rates)
        else:
            left, wrong = self.lot - self.start[0], np.rint(rates * self.lot) - self.start[1]
            law = _log_falling(wrong, d) + _log_falling(left - wrong, n - d) - _log_falling(np.array(left), n)
        return Ends(self.checked, self.defects, self.passed, np.exp(self.log_paths[:, None] + law))


def walk(accept: np.ndarray, reject: np.ndarray, lot: int | None = None, start: tuple[int, int] = (0, 0)) -> Walk:
    """Follow a plan: after n rows with d defects a lot passes at d <= accept[n] and fails at d >= reject[n].

    Both are int [cap + 1], and the last ones leave no gap. Orders are counted as probabilities at one rate near the
    plan's lines, as their number itself would overflow.
    """
    rate = min(max(reject[-1] / len(reject), 1e-3), 0.999)
    places = np.arange(int(reject.max()) + 1)
    mass = np.zeros(len(places))
    mass[start[1]] = 1
    ends: list[tuple[int, int, bool, float]] = []
    for n in range(start[0] + 1, len(accept)):
        mass[1:] = mass[1:] * (1 - rate) + mass[:-1] * rate
        mass[0] *= 1 - rate
        done = (places <= accept[n]) | (places >= reject[n])
        ends += [(n, d, bool(d <= accept[n]), mass[d]) for d in np.flatnonzero(done & (mass > 0))]
        mass[done] = 0
    checked, defects, passed, masses = (np.array(each) for each in zip(*ends, strict=True))
    wrong, right = defects - start[1], checked - start[0] - (defects - start[1])
    return Walk(checked, defects, passed, np.log(masses) - wrong * np.log(rate) - right * np.log1p(-rate), start, lot)


def _log_falling(count: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """log of count (count - 1) … over `drawn` factors; -inf where there are not so many."""
    enough = count >= drawn
    found = gammaln(np.where(enough, count, drawn) + 1) - gammaln(np.where(enough, count - drawn, 0) + 1)
    return np.where(enough, found, -np.inf)
