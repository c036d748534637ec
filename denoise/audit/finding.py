"""The smallest plan that keeps the risks asked for. Levels: `accept` p0, `reject` p1; risks: producer's, consumer's."""

from __future__ import annotations

import math

import numpy as np

from denoise.audit.assurance import Assurance
from denoise.audit.intervals import defects_at_most
from denoise.audit.plans import Plan
from generation.errors import UserError

MOST_ROWS = 20_000  # a plan that needs more is no plan for people


def find_plan(assurance: Assurance, lot: int | None = None) -> Plan:
    """The plan for a lot of so many rows, None: one without end. Raises UserError when `cap` allows none."""
    if lot == 0:
        return Plan(assurance.plan, (0,), (1,), 0)
    plan = _FINDERS[assurance.plan](assurance, lot)
    if assurance.cap is not None and plan.cap > assurance.cap:
        raise UserError(
            f"assurance.cap: must be at least {plan.cap} for a {assurance.plan} plan that tells "
            f"{assurance.accept:.3g} from {assurance.reject:.3g} at these risks; got {assurance.cap}"
        )
    return plan


def fixed(assurance: Assurance, lot: int | None = None) -> Plan:
    """The fewest rows n with an acceptance number c that keep both risks."""
    good, bad = levels(assurance, lot)
    for c in range(MOST_ROWS):
        n = _rows_for(c, bad, assurance.consumer, lot)
        if n >= MOST_ROWS:
            break
        if 1 - defects_at_most(c, n, good, lot) <= assurance.risk:
            return _fixed_plan("fixed", n, c, lot)
    raise _too_close(assurance)


def zero_failure(assurance: Assurance, lot: int | None = None) -> Plan:
    """No defect at all among as many rows as keep the consumer's risk."""
    return _fixed_plan("zero_failure", _rows_for(0, levels(assurance, lot)[1], assurance.consumer, lot), 0, lot)


def sequential(assurance: Assurance, lot: int | None = None) -> Plan:
    """Wald's test (1945), cut off after the fewest rows at which both risks hold exactly.

    The log of the likelihood ratio passes the lot at ln(β / (1-α)) or less and fails it at ln((1-β) / α) or more. Wald
    overshoots his bounds, so what he leaves of both risks pays for cutting off.
    """
    good, bad = levels(assurance, lot)
    alpha, beta = assurance.risk, assurance.consumer
    most = _most(lot)
    begin = fixed(assurance, lot).cap
    while True:
        tried = min(most, 2 * begin)
        accept, reject = _wald_lines(assurance, tried)
        if found := _cut(accept, reject, np.array([good, bad]), alpha, beta, lot):
            return _curtailed("sequential", accept[: found[0] + 1], reject[: found[0] + 1], found[1], lot)
        if tried == most:
            raise _too_close(assurance)
        begin = tried


_FINDERS = {"fixed": fixed, "zero_failure": zero_failure, "sequential": sequential}


def levels(assurance: Assurance, lot: int | None) -> tuple[float, float]:
    """The worst good lot and the best bad one that there are of this size."""
    if lot is None:
        return assurance.accept, assurance.reject
    return math.floor(assurance.accept * lot + 1e-9) / lot, math.ceil(assurance.reject * lot - 1e-9) / lot


def _most(lot: int | None) -> int:
    return MOST_ROWS if lot is None else min(lot, MOST_ROWS)


def _rows_for(c: int, bad: float, beta: float, lot: int | None) -> int:
    """The fewest rows among which `c` defects or fewer of a bad lot are seen with a probability of `beta` or less."""
    low, high = c, _most(lot)
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if defects_at_most(c, middle, bad, lot) <= beta else (middle + 1, high)
    return low


def _fixed_plan(kind: str, n: int, c: int, lot: int | None) -> Plan:
    return _curtailed(kind, np.full(n + 1, -1), np.full(n + 1, n + 1), c, lot)


def _curtailed(kind: str, accept: np.ndarray, reject: np.ndarray, c: int, lot: int | None) -> Plan:
    """Ended after the last row with acceptance number `c`, and before it as soon as nothing can change that."""
    left = len(accept) - 1 - np.arange(len(accept))
    accept, reject = np.maximum(accept, c - left), np.minimum(reject, c + 1)
    return Plan(kind, tuple(map(int, np.maximum(accept, -1))), tuple(map(int, reject)), lot)


def _wald_lines(assurance: Assurance, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Defects at or below which a lot passes, and at or above which it fails, after 0 to `most` rows."""
    p0, p1, alpha, beta = assurance.accept, assurance.reject, assurance.risk, assurance.consumer
    wrong, right = math.log(p1 / p0), math.log((1 - p0) / (1 - p1))
    rows = np.arange(most + 1)
    accept = np.floor((math.log(beta / (1 - alpha)) + rows * right) / (wrong + right) + 1e-12)
    reject = np.ceil((math.log((1 - beta) / alpha) + rows * right) / (wrong + right) - 1e-12)
    return np.maximum(accept, -1).astype(int), reject.astype(int)


def _cut(
    accept: np.ndarray, reject: np.ndarray, levels: np.ndarray, alpha: float, beta: float, lot: int | None
) -> tuple[int, int] | None:
    """The first row after which, and the acceptance number with which, both risks hold; None: not in these rows."""
    places = np.arange(int(reject.max()) + 1)
    mass = np.zeros((len(places), 2))
    mass[0] = 1
    failed, passed = 0.0, 0.0  # a good lot, a bad lot
    for n in range(1, len(accept)):
        rates = levels[None] if lot is None else np.clip((levels * lot - places[:, None]) / (lot - n + 1), 0, 1)
        wrong = mass * rates
        mass -= wrong
        mass[1:] += wrong[:-1]
        below, above = places <= accept[n], places >= reject[n]
        failed += mass[above, 0].sum()
        passed += mass[below, 1].sum()
        mass[below | above] = 0
        passes = passed + np.cumsum(mass[:, 1])  # by acceptance number
        fails = failed + mass[:, 0].sum() - np.cumsum(mass[:, 0])
        good = np.flatnonzero((passes <= beta) & (fails <= alpha) & (places >= accept[n]) & (places < reject[n]))
        if len(good):
            return n, int(good[0])
    return None


def _too_close(assurance: Assurance) -> UserError:
    return UserError(
        f"assurance: accept {assurance.accept:g} and reject {assurance.reject:g} are so close that more than "
        f"{MOST_ROWS:,} rows would have to be checked at these risks"
    )
