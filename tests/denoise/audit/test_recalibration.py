import numpy as np
import pytest

from denoise.audit.recalibration import Recalibration, recalibrated


def test_without_verdicts_nothing_changes() -> None:
    assert recalibrated(np.array([]), np.array([], bool)) == Recalibration(0.0, 1.0)
    doubts = np.array([0.1, 0.5, 0.9])
    assert Recalibration().wrong(doubts) == pytest.approx(doubts)


def test_a_judge_that_is_too_sure_of_itself_is_found_out() -> None:
    draw = np.random.default_rng(0)
    doubt = draw.uniform(0.01, 0.4, 2000)
    wrong = draw.random(2000) < 1 / (1 + np.exp(-(1.2 + 0.8 * np.log(doubt / (1 - doubt)))))
    found = recalibrated(doubt, wrong)
    assert found.shift == pytest.approx(1.2, abs=0.25)
    assert found.slope == pytest.approx(0.8, abs=0.15)
    assert found.wrong(doubt).mean() == pytest.approx(wrong.mean(), abs=0.01)


def test_a_handful_of_verdicts_moves_a_little() -> None:
    found = recalibrated(np.full(5, 0.1), np.array([True, True, False, False, False]))
    assert 0.1 < float(found.wrong(np.array([0.1]))[0]) < 0.4


def test_more_doubt_never_means_fewer_wrong() -> None:
    found = recalibrated(np.array([0.05, 0.1, 0.8, 0.9] * 20), np.array([True, True, False, False] * 20))
    assert found.slope == 0.0
