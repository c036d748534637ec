import numpy as np
import pytest

from training.measures.calibration import calibration_error, fit_temperature, reliability, risk_coverage


def test_the_temperature_that_made_the_labels_is_found():
    generator = np.random.default_rng(0)
    logits = generator.normal(size=(4000, 3)) * 2
    likely = np.exp(logits / 2.5)
    likely /= likely.sum(axis=1, keepdims=True)
    targets = np.array([generator.choice(3, p=row) for row in likely])
    assert fit_temperature(logits, targets) == pytest.approx(2.5, rel=0.1)


def test_a_handful_of_right_rows_does_not_make_it_sure():
    logits = np.array([[2.0, 0.0]] * 4)
    assert 0.3 < fit_temperature(logits, np.zeros(4, int)) < 1
    assert fit_temperature(np.zeros((0, 2)), np.zeros(0, int)) == 1.0


def test_calibration_error_by_hand():
    confidence, right = np.array([0.9, 0.9, 0.55, 0.55]), np.array([1, 0, 1, 1])
    # two bins of two rows: |.9 - .5| and |.55 - 1|
    assert calibration_error(confidence, right) == pytest.approx((0.4 + 0.45) / 2)
    assert [each["rows"] for each in reliability(confidence, right)] == [2, 2]
    assert reliability(np.array([1.0]), np.array([1]))[0]["accuracy"] == 1.0
    assert calibration_error(np.zeros(0), np.zeros(0)) == 0.0


def test_risk_falls_with_coverage():
    confidence, right = np.array([0.6, 0.9, 0.8, 0.7]), np.array([0.0, 1.0, 1.0, 0.0])
    found = risk_coverage(confidence, right)
    assert (found["25%"], found["50%"], found["75%"], found["100%"]) == pytest.approx((1, 1, 2 / 3, 0.5))
    assert found["area"] == pytest.approx((0 + 0 + 1 / 3 + 1 / 2) / 4)
    assert risk_coverage(np.zeros(0), np.zeros(0)) == {}
