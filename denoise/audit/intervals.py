"""Intervals of a share of defects. `k` of `n` rows are defective; `lot` rows are there in all, None: without end."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from scipy.special import betainc, betaincinv, betaln, gammaln

LEVEL = 0.95


def clopper_pearson(k: int, n: int, level: float = LEVEL) -> tuple[float, float]:
    """The interval that holds the share with at least `level`, for a number of rows fixed beforehand."""
    tail = (1 - level) / 2
    return lower_bound(k, n, 1 - tail), 1 - lower_bound(n - k, n, 1 - tail)


def lower_bound(k: int, n: int, level: float = LEVEL) -> float:
    """Clopper and Pearson's one-sided bound: the share is at least so large, with `level`."""
    return float(betaincinv(k, n - k + 1, 1 - level)) if k else 0.0


def wilson(share: float, n: int) -> tuple[float, float]:
    """95 % Wilson score interval, for display: close to `level` on average, not at least."""
    z = 1.959964
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    reach = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, centre - reach), min(1.0, centre + reach)


def difference(one: float, n: int, other: float, m: int) -> tuple[float, float]:
    """95 % interval of `one` - `other`, shares of n and of m separate rows (Newcombe 1998, from Wilson's)."""
    (low, high), (least, most) = wilson(one, n), wilson(other, m)
    return (
        one - other - math.hypot(one - low, most - other),
        one - other + math.hypot(high - one, other - least),
    )


def paired_difference(one: np.ndarray, other: np.ndarray) -> tuple[float, float]:
    """The same where both are of the same rows: bool [n] each (Agresti & Min 2005: half a row added to each cell)."""
    rows, more, fewer = len(one) + 2, (one & ~other).sum() + 0.5, (other & ~one).sum() + 0.5
    middle = (more - fewer) / rows
    reach = 1.959964 * math.sqrt(more + fewer - (more - fewer) ** 2 / rows) / rows
    return float(middle - reach), float(middle + reach)


def confidence_sequence(k: int, n: int, level: float = LEVEL, lot: int | None = None) -> tuple[float, float]:
    """The interval at row `n` of a sequence of which all hold the share together with `level`.

    So one may look after every row and stop when one likes. {p : B(k+1, n-k+1) / (p^k (1-p)^(n-k)) < 1/(1-level)},
    by Ville's inequality (Robbins 1970). Of a lot of N rows with D defects, drawn without putting back, the likelihood
    is that of the draws in order, D_(k) (N-D)_(n-k) / N_(n) in falling factorials (Waudby-Smith & Ramdas 2020).
    """
    if not n:
        return 0.0, 1.0
    least = float(betaln(k + 1, n - k + 1)) + math.log(1 - level)
    if lot is None:
        low = _root(lambda p: _log_binomial(k, n, p) > least, 0.0, k / n)
        return low, 1 - _root(lambda p: _log_binomial(n - k, n, p) > least, 0.0, 1 - k / n)
    # defects of the whole lot: the fewest that are not ruled out, and the most
    peak = min(max(round(k / n * lot), k), lot - (n - k))
    fewest = _first(lambda defects: _log_ordered(k, n, defects, lot) > least, k, peak)
    most = lot - _first(lambda sound: _log_ordered(n - k, n, sound, lot) > least, n - k, lot - peak)
    return fewest / lot, most / lot


def defects_at_most(c: int, n: int, rate: float, lot: int | None = None) -> float:
    """Probability of `c` defects or fewer among `n` rows, of a lot with round(rate * lot) defects if it has an end."""
    if c >= n:
        return 1.0
    if c < 0:
        return 0.0
    if lot is None:
        return float(1 - betainc(c + 1, n - c, rate))
    defects = round(rate * lot)
    first, last = max(0, n - (lot - defects)), min(c, defects, n)
    if last < first:
        return 0.0
    k = np.arange(first, last + 1)
    logs = _log_choose(defects, k) + _log_choose(lot - defects, n - k) - _log_choose(lot, n)
    return min(1.0, float(np.exp(logs).sum()))


def _log_choose(n: int, k: np.ndarray | int) -> np.ndarray:
    return gammaln(n + 1) - gammaln(np.add(k, 1)) - gammaln(np.subtract(n + 1, k))


def _log_binomial(k: int, n: int, p: float) -> float:
    """log p^k (1-p)^(n-k)."""
    if (k and p <= 0) or (n - k and p >= 1):
        return -math.inf
    return (k * math.log(p) if k else 0.0) + ((n - k) * math.log1p(-p) if n - k else 0.0)


def _log_ordered(k: int, n: int, defects: int, lot: int) -> float:
    """log of D_(k) (N-D)_(n-k) / N_(n): draws in this very order."""
    if k > defects or n - k > lot - defects:
        return -math.inf
    return _log_falling(defects, k) + _log_falling(lot - defects, n - k) - _log_falling(lot, n)


def _log_falling(n: int, k: int) -> float:
    return float(gammaln(n + 1) - gammaln(n - k + 1))


def _root(holds: Callable[[float], bool], low: float, high: float) -> float:
    """Where `holds`, false below and true from there up to `high`, begins."""
    if holds(low):
        return low
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return low


def _first(holds: Callable[[int], bool], low: int, high: int) -> int:
    """The first of low..high that `holds`, which is true of `high`."""
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low
