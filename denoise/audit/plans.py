"""Sampling plans: how many rows people check, and when a lot has passed or failed."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from denoise.audit.intervals import LEVEL, confidence_sequence
from denoise.audit.walk import Ends, Walk, walk

State = Literal["open", "passed", "failed"]


@dataclass(frozen=True)
class Decision:
    """Where a lot stands after `checked` rows with `defects`.

    `low` and `high` hold the defect rate with 95 %: while open at all times together (a confidence sequence), at the
    end by Clopper and Pearson's way, put right for the plan's stopping. `expected_left`: rows that are still to come,
    if the lot is as it looks.
    """

    state: State
    checked: int
    defects: int
    estimate: float | None
    low: float
    high: float
    expected_left: float


@dataclass(frozen=True)
class Plan:
    """After n rows with d defects a lot passes at d <= accept_at[n] and fails at d >= reject_at[n], n from 0 to cap.

    All figures are exact for a lot of `lot` rows (hypergeometric), None: one without end (binomial).
    """

    kind: str
    accept_at: tuple[int, ...]
    reject_at: tuple[int, ...]
    lot: int | None = None

    @property
    def cap(self) -> int:
        """The most rows that are checked."""
        return len(self.accept_at) - 1

    @property
    def acceptance(self) -> int:
        """Acceptance number: the most defects with which a lot can pass."""
        return self.accept_at[-1]

    def accepts(self, rate: float) -> float:
        """The operating characteristic: probability that a lot of this defect rate passes."""
        return min(1.0, float(self.at([rate]).accepts[0])) if self.cap else 1.0

    def expected(self, rate: float) -> float:
        """Expected number of rows that are checked of such a lot."""
        return float(self.at([rate]).expected[0]) if self.cap else 0.0

    def at(self, rates: Sequence[float] | np.ndarray) -> Ends:
        """Where the plan ends at each of these defect rates."""
        return self._walk.at(np.asarray(rates, float))

    def decide(self, outcomes: Sequence[bool]) -> Decision:
        """From whether each row is defective, in the order that people said so. What comes after the end is ignored."""
        defects = 0
        if not self.cap:
            return Decision("passed", 0, 0, None, 0.0, 0.0, 0.0)
        for checked, outcome in enumerate(outcomes[: self.cap], start=1):
            defects += bool(outcome)
            if defects <= self.accept_at[checked]:
                return self._ended("passed", checked, defects)
            if defects >= self.reject_at[checked]:
                return self._ended("failed", checked, defects)
        checked = min(len(outcomes), self.cap)
        low, high = confidence_sequence(defects, checked, lot=self.lot)
        estimate = defects / checked if checked else None
        return Decision("open", checked, defects, estimate, low, high, self._left(checked, defects))

    def _ended(self, state: State, checked: int, defects: int) -> Decision:
        low, high = self._interval(checked, defects)
        return Decision(state, checked, defects, defects / checked, low, high, 0.0)

    def _interval(self, checked: int, defects: int) -> tuple[float, float]:
        """Rates at which ends with so large a share of defects, and with so small a one, each have 2.5 % or more.

        Ends are ordered by their share of defects (Armitage 1958); with a fixed number of rows it is Clopper and
        Pearson's interval.
        """
        tail, shares = (1 - LEVEL) / 2, self._walk.defects * checked - defects * self._walk.checked
        low, high = 0.0, 1.0
        if defects:
            low = _first_rate(lambda rates: self.at(rates).mass[shares >= 0].sum(axis=0) >= tail)
        if defects < checked:
            high = 1 - _first_rate(lambda rests: self.at(1 - rests).mass[shares <= 0].sum(axis=0) >= tail)
        return low, high

    def _left(self, checked: int, defects: int) -> float:
        """A lot of which nothing is known looks like one that might pass or fail; that weighs half a defect."""
        rate = (defects + 0.5) / (checked + 0.5 * self.cap / max(self.acceptance, 0.5))
        ahead = walk(*self._lines, self.lot, (checked, defects))
        return float(ahead.at(np.array([rate])).expected[0]) - checked

    @functools.cached_property
    def _walk(self) -> Walk:
        return walk(*self._lines, self.lot)

    @functools.cached_property
    def _lines(self) -> tuple[np.ndarray, np.ndarray]:
        return np.array(self.accept_at), np.array(self.reject_at)


def _first_rate(holds: Callable[[np.ndarray], np.ndarray]) -> float:
    """Where `holds`, false below, begins between 0 and 1, to 1e-6: all rates of a grid are tried at once."""
    low, high = 0.0, 1.0
    while high - low > 1e-6:
        grid = np.linspace(low, high, 65)
        place = int(np.argmax(holds(grid)))
        low, high = (grid[place - 1], grid[place]) if place else (low, low)
    return float(low)
