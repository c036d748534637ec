"""One sum of money, two annotators: how many rows the LM labels, and which of them people label again.

Wang et al. 2021, "Want to reduce labeling cost? GPT-3 can help": N rows at the LM's price, and of them the n least
sure ones at a person's, fit a budget B when N·c_lm + n·c_human <= B. How wrong rows are in the end depends on the share
n / N alone, and so does what a row costs on average.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Prices:
    """What a label costs, in any one currency: `lm` for a row that is kept, `human` for a look at one."""

    lm: float
    human: float


@dataclass(frozen=True)
class Split:
    """`rows` by the LM of which `checked` by people too; `cost`, and the expected share of `wrong` labels."""

    rows: int
    checked: int
    cost: float
    wrong: float


@dataclass(frozen=True)
class Doubts:
    """How sure rows are: `wrong` float64 [n], ascending, probabilities that their labels are wrong.

    `human_error` is the share of people's own labels that is wrong. More rows are taken to be as these.
    """

    wrong: np.ndarray
    human_error: float = 0.0

    @classmethod
    def of(cls, wrong: np.ndarray, human_error: float = 0.0) -> Doubts:
        """From probabilities in any order. Raises ValueError for none, and for numbers that are no probabilities."""
        values = np.sort(np.asarray(wrong, np.float64))
        if not len(values) or not ((values >= 0) & (values <= 1)).all():
            raise ValueError(f"probabilities of wrong labels must be one or more in 0..1; got {len(values)}")
        return cls(values, human_error)

    def left(self, share: float) -> float:
        """Expected share of wrong labels when people have labelled this share of the rows, the least sure first."""
        place = (1 - share) * len(self.wrong)
        whole = int(place)
        rest = (place - whole) * self.wrong[whole] if whole < len(self.wrong) else 0.0
        return float((self.wrong[:whole].sum() + rest) / len(self.wrong)) + share * self.human_error

    def share_for(self, target: float) -> float | None:
        """The least share for people that leaves `target` wrong labels or fewer; None: no share does.

        Past the row of which people are no surer than the LM, more of them would help no more.
        """
        most = 1 - float(np.searchsorted(self.wrong, self.human_error, side="right")) / len(self.wrong)
        if self.left(most) > target:
            return None
        low, high = 0.0, most
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (low, middle) if self.left(middle) <= target else (middle, high)
        return 0.0 if self.left(0.0) <= target else high


def split_at(share: float, money: float, prices: Prices, doubts: Doubts, most: int | None = None) -> Split:
    """What `money` buys when people label this share of the rows; `most` is how many rows there can be."""
    each = prices.lm + share * prices.human
    rows = most if not each else math.floor(money / each + 1e-9)
    if rows is None:
        raise ValueError("what costs nothing has no limit: prices must not both be 0 where `most` is None")
    rows = rows if most is None else min(rows, most)
    checked = min(rows, round(share * rows))
    while checked and rows * prices.lm + checked * prices.human > money + 1e-9:
        checked -= 1
    return _split(rows, checked, prices, doubts)


def best_split(target: float, money: float, prices: Prices, doubts: Doubts, most: int | None = None) -> Split | None:
    """The split with most rows whose expected noise is `target` or less; None where people cannot bring it there.

    Money that is left when there are no more rows is spent on people.
    """
    share = doubts.share_for(target)
    if share is None:
        return None
    found = split_at(share, money, prices, doubts, most)
    if found.rows and doubts.left(found.checked / found.rows) > target:  # a checked row is a whole one
        checked = math.ceil(share * found.rows - 1e-9)
        rows = found.rows
        while rows and rows * prices.lm + min(checked, rows) * prices.human > money + 1e-9:
            rows -= 1
            checked = math.ceil(share * rows - 1e-9)
        found = _split(rows, checked, prices, doubts)
    return _with_the_rest(found, money, prices, doubts) if found.rows == most else found


def checks_for(money: float, rows: int, prices: Prices, doubts: Doubts) -> Split:
    """What `money` for people alone makes of `rows` that are there already."""
    return _with_the_rest(_split(rows, 0, Prices(0.0, prices.human), doubts), money, Prices(0.0, prices.human), doubts)


def _with_the_rest(found: Split, money: float, prices: Prices, doubts: Doubts) -> Split:
    if not prices.human:
        return _split(found.rows, found.rows, prices, doubts)
    more = found.checked + math.floor((money - found.cost) / prices.human + 1e-9)
    return _split(found.rows, min(found.rows, max(found.checked, more)), prices, doubts)


def _split(rows: int, checked: int, prices: Prices, doubts: Doubts) -> Split:
    wrong = doubts.left(checked / rows) if rows else 0.0
    return Split(rows, checked, rows * prices.lm + checked * prices.human, wrong)
