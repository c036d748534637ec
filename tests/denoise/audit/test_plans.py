"""Plans against published figures, and against lots that are simulated."""

import math

import numpy as np
import pytest
from scipy.stats import binom, hypergeom

from denoise.audit.assurance import Assurance
from denoise.audit.finding import find_plan, levels, zero_failure
from denoise.audit.plans import Decision, Plan
from generation.errors import UserError

PLANS = ("sequential", "fixed")
LOTS = 2000


@pytest.mark.parametrize(("rate", "rows"), [(0.10, 29), (0.05, 59), (0.02, 149), (0.01, 299)])
def test_zero_failures_take_the_published_numbers_of_rows(rate: float, rows: int) -> None:
    plan = zero_failure(Assurance(accept=0.001, reject=rate, consumer_risk=0.05))
    assert (plan.cap, plan.acceptance) == (rows, 0)
    assert plan.accepts(rate) == pytest.approx((1 - rate) ** rows)
    assert plan.accepts(rate) <= 0.05 < (1 - rate) ** (rows - 1)


def test_the_fixed_plan_is_the_smallest_that_keeps_both_risks() -> None:
    plan = find_plan(Assurance(plan="fixed"))
    assert (plan.cap, plan.acceptance) == (129, 5)
    keeps = [
        n for n in range(1, 130) for c in range(9) if binom.cdf(c, n, 0.08) <= 0.05 <= 1 - binom.sf(c, n, 0.02) - 0.9
    ]
    assert keeps == [129]
    for rate in (0.01, 0.02, 0.05, 0.08, 0.2):
        assert plan.accepts(rate) == pytest.approx(binom.cdf(5, 129, rate))


def test_a_fixed_plan_of_a_small_lot_is_hypergeometric() -> None:
    plan = find_plan(Assurance(plan="fixed"), lot=200)
    for defects in (0, 4, 10, 16):
        expected = hypergeom.cdf(plan.acceptance, 200, defects, plan.cap)
        assert plan.accepts(defects / 200) == pytest.approx(expected)
    assert plan.cap < 129
    assert plan.accepts(16 / 200) <= 0.05
    assert plan.accepts(4 / 200) >= 0.95


def test_a_fixed_plan_ends_as_soon_as_nothing_can_change_it() -> None:
    plan = find_plan(Assurance(plan="fixed"))
    assert plan.decide([True] * 6).state == "failed"
    assert plan.decide([False] * 123).state == "open"
    assert plan.decide([False] * 124).state == "passed"  # five more defects would still pass


def test_walds_test_needs_about_what_wald_says() -> None:
    plan = find_plan(Assurance())
    alpha = beta = 0.05
    low, high = math.log(beta / (1 - alpha)), math.log((1 - beta) / alpha)

    def rows(rate: float, passes: float) -> float:
        step = rate * math.log(0.08 / 0.02) + (1 - rate) * math.log(0.92 / 0.98)
        return (passes * low + (1 - passes) * high) / step

    assert (round(rows(0.02, 0.95)), round(rows(0.08, 0.05))) == (78, 50)  # which leave out the overshoot
    assert plan.expected(0.02) == pytest.approx(79.3, abs=0.1)
    assert plan.expected(0.08) == pytest.approx(57.4, abs=0.1)
    assert (plan.cap, plan.acceptance) == (193, 7)
    assert plan.accept_at[46:48] == (-1, 0)  # 47 rows without a defect pass
    assert max(plan.at(np.linspace(0, 1, 201)).expected) < 129


@pytest.mark.parametrize("lot", [None, 20, 100, 150, 1000, 10**6])
@pytest.mark.parametrize("kind", PLANS)
@pytest.mark.parametrize("risks", [(0.05, 0.05), (0.05, 0.10), (0.01, 0.05)])
def test_no_plan_exceeds_its_risks(kind: str, lot: int | None, risks: tuple[float, float]) -> None:
    alpha, beta = risks
    plan = find_plan(Assurance(plan=kind, risk=alpha, consumer_risk=beta), lot)
    worst_good = 0.02 if lot is None else math.floor(0.02 * lot) / lot
    best_bad = 0.08 if lot is None else math.ceil(0.08 * lot) / lot
    assert 1 - plan.accepts(worst_good) <= alpha + 1e-12
    assert plan.accepts(best_bad) <= beta + 1e-12
    assert plan.cap <= (lot or plan.cap)


@pytest.mark.parametrize("kind", PLANS)
@pytest.mark.parametrize("size", [300, 20_000])
@pytest.mark.parametrize("rate", [0.01, 0.02, 0.04, 0.08, 0.12])
def test_simulated_lots_pass_as_often_and_take_as_long_as_said(kind: str, size: int, rate: float) -> None:
    plan = find_plan(Assurance(plan=kind), size)
    generator = np.random.default_rng([size, int(1000 * rate)])
    ended: dict[tuple[int, int], Decision] = {}
    decisions = [_decision(plan, list(_outcomes(generator, size, rate, plan.cap)), ended) for _ in range(LOTS)]
    passed = sum(decision.state == "passed" for decision in decisions)
    assert all(decision.state != "open" for decision in decisions)
    low, high = binom.interval(0.999, LOTS, plan.accepts(rate))
    assert low <= passed <= high
    if rate <= 0.02:
        assert LOTS - passed <= binom.ppf(0.999, LOTS, 0.05)  # the producer's risk
    if rate >= 0.08:
        assert passed <= binom.ppf(0.999, LOTS, 0.05)  # the consumer's
    rows = np.array([decision.checked for decision in decisions])
    assert rows.mean() == pytest.approx(plan.expected(rate), abs=4 * rows.std() / math.sqrt(LOTS))
    held = sum(decision.low - 1e-6 <= rate <= decision.high + 1e-6 for decision in decisions)
    assert held >= binom.ppf(0.001, LOTS, 0.95)


def test_the_size_of_a_lot_hardly_changes_the_work() -> None:
    sizes = [10**3, 10**4, 10**5, 10**6]
    plans = [find_plan(Assurance(), size) for size in sizes]
    rows = [plan.expected(0.02) for plan in plans]
    assert rows == pytest.approx([79.3] * 4, rel=0.05)
    assert [plan.cap for plan in plans[2:]] == [193, 193]


def test_a_cap_below_what_the_plan_needs_is_refused() -> None:
    assert find_plan(Assurance(cap=193)).cap == 193
    with pytest.raises(UserError, match=r"assurance.cap: must be at least 193 .* got 192"):
        find_plan(Assurance(cap=192))
    with pytest.raises(UserError, match="so close that more than 20,000 rows"):
        find_plan(Assurance(accept=0.02, reject=0.0201))


def test_an_open_lot_says_what_is_left() -> None:
    plan = find_plan(Assurance())
    fresh, clean, doubtful = (plan.decide(each) for each in ([], [False] * 40, [False] * 38 + [True] * 2))
    assert (fresh.state, fresh.checked, fresh.low, fresh.high, fresh.estimate) == ("open", 0, 0.0, 1.0, None)
    assert fresh.expected_left == pytest.approx(plan.expected(7 / 193))
    assert 7 < clean.expected_left < 15 < doubtful.expected_left
    assert 47 - 10 < plan.decide([False] * 10).expected_left < fresh.expected_left - 10
    assert plan.decide([False] * 47).expected_left == 0
    assert plan.decide([False] * 47 + [True] * 50) == plan.decide([False] * 47)


def test_an_interval_after_a_fixed_number_of_rows_is_clopper_and_pearsons() -> None:
    whole = Plan("fixed", (-1,) * 20 + (3,), (21,) * 20 + (4,))
    decision = whole.decide([True, True] + [False] * 18)
    assert (decision.low, decision.high) == pytest.approx((0.012349, 0.316983), abs=1e-5)


def test_an_empty_lot_passes() -> None:
    plan = find_plan(Assurance(), 0)
    assert (plan.cap, plan.decide([]).state, plan.accepts(0.5), plan.expected(0.5)) == (0, "passed", 1.0, 0.0)


def test_rates_can_be_percent_and_must_make_sense() -> None:
    assert Assurance.model_validate({"accept": "2%", "reject": "8 %"}) == Assurance()
    with pytest.raises(ValueError, match="accept must be below reject"):
        Assurance(accept=0.1)


def test_every_failure_halves_the_consumers_risk() -> None:
    plain = Assurance(consumer_risk=0.08)
    assert [plain.tightened(failures).consumer for failures in (0, 1, 2)] == [0.08, 0.04, 0.02]
    assert find_plan(Assurance().tightened(1)).accepts(0.08) <= 0.025


def _decision(plan: Plan, outcomes: list[bool], known: dict[tuple[int, int], Decision]) -> Decision:
    """`plan.decide`, whose interval is found once for each end."""
    found = np.cumsum(outcomes)
    accept, reject = plan._lines
    ends = (found <= accept[1:]) | (found >= reject[1:])
    checked = int(ends.argmax()) + 1
    key = checked, int(found[checked - 1])
    if key not in known:
        known[key] = plan.decide(outcomes)
    return known[key]


def _outcomes(generator: np.random.Generator, size: int, rate: float, cap: int) -> list[bool]:
    return list(generator.choice(size, cap, replace=False) < round(rate * size))


def test_a_small_lots_risks_are_those_of_lots_that_there_are() -> None:
    """2 % of 48 rows is less than one row: the worst good lot has none wrong."""
    assurance = Assurance(accept=0.02, reject=0.1, risk=0.1)
    good, bad = levels(assurance, 48)
    plan = find_plan(assurance, 48)
    assert (good, bad) == (0.0, 5 / 48)
    assert plan.accepts(good) == pytest.approx(1.0)
    assert plan.accepts(bad) <= 0.1
