import pytest

from training.optimiser import rate_factor


def test_warm_up_then_decay():
    factors = [rate_factor(step, 20) for step in range(20)]
    assert factors[:3] == [0.5, 1.0, 1.0]
    assert factors[11] == pytest.approx(0.5)
    assert factors[19] == pytest.approx(1 / 18)
    assert rate_factor(20, 20) == 0


def test_one_step_is_taken_at_the_full_rate():
    assert rate_factor(0, 1) == 1.0
