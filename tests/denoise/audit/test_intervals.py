import numpy as np
import pytest
from scipy.stats import beta, binom, hypergeom

from denoise.audit.intervals import clopper_pearson, confidence_sequence, defects_at_most, lower_bound, wilson


@pytest.mark.parametrize(("k", "n"), [(0, 20), (2, 20), (20, 20), (7, 300)])
def test_clopper_and_pearson(k: int, n: int) -> None:
    low = beta.ppf(0.025, k, n - k + 1) if k else 0.0
    high = beta.ppf(0.975, k + 1, n - k) if k < n else 1.0
    assert clopper_pearson(k, n) == pytest.approx((low, high))


def test_a_lower_bound_is_one_sided() -> None:
    assert lower_bound(1, 1) == pytest.approx(0.05)
    assert lower_bound(0, 9) == 0
    assert lower_bound(3, 10) == pytest.approx(beta.ppf(0.05, 3, 8))


def test_wilson() -> None:
    assert wilson(0.5, 100) == pytest.approx((0.4038, 0.5962), abs=1e-4)


def test_defects_at_most_follow_the_binomial_and_the_hypergeometric_law() -> None:
    assert defects_at_most(5, 129, 0.08) == pytest.approx(binom.cdf(5, 129, 0.08))
    assert defects_at_most(2, 30, 0.1, 50) == pytest.approx(hypergeom.cdf(2, 50, 5, 30))
    assert (defects_at_most(-1, 5, 0.1), defects_at_most(5, 5, 0.1), defects_at_most(0, 48, 0.1, 50)) == (0, 1, 0)


def test_a_confidence_sequence_by_hand() -> None:
    # one row, no defect: {p : B(1, 2) / (1 - p) < 20} = {p : 1 - p > 1/40}
    assert confidence_sequence(0, 1) == pytest.approx((0.0, 39 / 40))
    assert confidence_sequence(0, 0) == (0.0, 1.0)
    assert confidence_sequence(1, 1) == pytest.approx((1 / 40, 1.0))
    # all of a lot is known once all is seen
    assert confidence_sequence(3, 100, lot=100) == (0.03, 0.03)
    assert confidence_sequence(3, 100, lot=10**8) == pytest.approx(confidence_sequence(3, 100), abs=1e-6)


@pytest.mark.parametrize("rate", [0.02, 0.08, 0.3])
@pytest.mark.parametrize("lot", [None, 400])
def test_a_confidence_sequence_holds_the_rate_at_all_times_together(rate: float, lot: int | None) -> None:
    trials, rows = 600, 300
    generator = np.random.default_rng(int(1000 * rate))
    known: dict[tuple[int, int], bool] = {}

    def holds(k: int, n: int) -> bool:
        if (k, n) not in known:
            low, high = confidence_sequence(k, n, lot=lot)
            known[k, n] = low - 1e-9 <= rate <= high + 1e-9
        return known[k, n]

    missed = 0
    for _ in range(trials):
        drawn = generator.random(rows) < rate if lot is None else generator.permutation(lot)[:rows] < rate * lot
        missed += not all(holds(int(k), n) for n, k in enumerate(drawn.cumsum(), start=1))
    assert missed <= binom.ppf(0.999, trials, 0.05)
    assert missed > 0 or rate < 0.3  # it is not so wide as to say nothing
