import numpy as np
import pytest
from scipy.stats import binom

from denoise.audit.estimates import Stratum, bad_strata, horvitz_thompson, prediction_powered, stratified
from denoise.audit.sampling import favour


def test_strata_count_as_much_as_they_have_rows() -> None:
    found = stratified({"a": Stratum(900, 10, 1), "b": Stratum(100, 10, 5)})
    assert found is not None
    assert found.share == pytest.approx(0.9 * 0.1 + 0.1 * 0.5)
    whole = stratified({"a": Stratum(10, 10, 1), "b": Stratum(4, 4, 2)})
    assert whole is not None
    assert (whole.share, whole.error) == (pytest.approx(3 / 14), 0)
    assert stratified({"a": Stratum(9, 0, 0)}) is None


def test_a_stratum_that_nobody_saw_counts_as_the_lot_and_widens_the_interval() -> None:
    found = stratified({"a": Stratum(100, 50, 5), "b": Stratum(100, 0, 0)})
    assert found is not None
    assert found.share == pytest.approx(0.1)
    assert found.error > 0.25


def test_doubtful_rows_that_are_favoured_leave_the_estimate_unbiased() -> None:
    generator = np.random.default_rng(3)
    doubts = generator.random(300) ** 3
    wrong = generator.random(300) < 0.3 * doubts
    found = []
    for seed in range(3000):
        places, inclusion = favour(doubts, 40, seed)
        found.append(horvitz_thompson(wrong[places], inclusion[places], 300).share)
    assert np.mean(found) == pytest.approx(wrong.mean(), abs=4 * np.std(found) / np.sqrt(3000))
    naive = np.mean([wrong[favour(doubts, 40, seed)[0]].mean() for seed in range(200)])
    assert naive > 1.5 * wrong.mean()


def test_a_models_doubts_help_and_their_interval_holds() -> None:
    generator = np.random.default_rng(5)
    held, powered, plain = 0, [], []
    for _ in range(500):
        doubts = np.where(generator.random(2000) < 0.2, 0.8, 0.05)
        wrong = generator.random(2000) < doubts
        found = prediction_powered(wrong[:200], doubts[:200], doubts[200:])
        assert found is not None
        powered.append(found.share - wrong.mean())
        plain.append(wrong[:200].mean() - wrong.mean())
        held += found.low <= 0.2 * 0.8 + 0.8 * 0.05 <= found.high
    assert held >= binom.ppf(0.0005, 500, 0.95)
    assert np.std(powered) < 0.8 * np.std(plain)
    assert abs(np.mean(powered)) < 4 * np.std(powered) / np.sqrt(500)


def test_doubts_that_tell_nothing_change_nothing() -> None:
    found = prediction_powered([True, False, False, False], [0.5] * 4, [0.5] * 96)
    assert found is not None
    assert found.share == 0.25
    assert prediction_powered([True], [0.5], [0.5]) is None


def test_a_stratum_is_bad_when_its_defects_cannot_be_chance() -> None:
    strata = {
        "unlucky": Stratum(500, 1, 1),
        "bad": Stratum(500, 12, 4),
        "large": Stratum(500, 100, 4),
        "clean": Stratum(500, 40, 0),
    }
    assert bad_strata(strata, 0.02) == ["bad"]
