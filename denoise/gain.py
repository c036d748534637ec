"""What one student is better by than another, on rows that both were asked about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from denoise.audit.intervals import clopper_pearson


@dataclass(frozen=True)
class Gain:
    """Accuracy of the later one less that of the earlier, on `rows` rows, and its 95 % interval.

    The later one alone is right on `better` of them, the earlier one alone on `worse`.
    """

    share: float
    low: float
    high: float
    rows: int
    better: int
    worse: int

    @property
    def may_be_none(self) -> bool:
        """Whether the interval reaches down to zero."""
        return self.low <= 0

    @property
    def is_loss(self) -> bool:
        """Whether the whole interval lies below zero."""
        return self.high < 0

    def __str__(self) -> str:
        return f"{100 * self.share:+.1f} points [{100 * self.low:+.1f}, {100 * self.high:+.1f}] on {self.rows} rows"


def paired_gain(before: Sequence[bool], now: Sequence[bool]) -> Gain:
    """From whether each row was right, `before` and `now`, in one order.

    McNemar's exact interval: given how many rows changed, those that became right are binomial, and Clopper and
    Pearson's interval of their share is turned into one of the difference. It leaves zero out where the exact test has
    p < .05. Of no rows it is all there can be.
    """
    pairs = list(zip(before, now, strict=True))
    if not pairs:
        return Gain(0.0, -1.0, 1.0, 0, 0, 0)
    better, worse = sum(b < n for b, n in pairs), sum(b > n for b, n in pairs)
    changed = better + worse
    low, high = clopper_pearson(better, changed) if changed else (0.5, 0.5)
    low, high = ((2 * end - 1) * changed / len(pairs) for end in (low, high))
    return Gain((better - worse) / len(pairs), low, high, len(pairs), better, worse)
