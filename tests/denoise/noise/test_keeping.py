"""How often an LM keeps its label, from a judge's opinions alone."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import softmax

from denoise.noise.calibration import ALONE, NONE, Calibration, Evidence
from denoise.noise.keeping import USUAL, leaning, leant, share_kept

SURE, TORN = [0.9, 0.05, 0.05], [0.4, 0.4, 0.2]


def rows(kept: float, count: int = 2000, strength: float = 2.5) -> Evidence:
    """Rows of three labels by an LM that keeps this share, and what a judge says that is as sure as it may be."""
    draw = np.random.default_rng(0)
    true = draw.integers(3, size=count)
    intended = np.where(draw.random(count) < kept, true, (true + draw.integers(1, 3, size=count)) % 3)
    # noise of this kind makes the softmax of what is seen the chance of each label
    seen = strength * (np.eye(3)[true] * strength + draw.normal(size=(count, 3)))
    return Evidence((softmax(seen, axis=1),), intended)


@pytest.mark.parametrize("kept", [0.4, 0.6, 0.8, 0.95])
def test_the_share_is_found_without_a_true_label(kept: float) -> None:
    # what such a judge and an intention that is right USUAL of the time say together
    bonus = np.log(USUAL / (1 - USUAL) * 2)
    assert share_kept(rows(kept), Calibration((1.0,), bonus)) == pytest.approx(kept, abs=0.03)


def test_a_few_rows_move_it_a_little() -> None:
    agreeing = Evidence((np.array([SURE] * 2),), np.zeros(2, int))
    assert USUAL < share_kept(agreeing, ALONE) < 0.76
    assert share_kept(Evidence((np.zeros((0, 3)),), np.zeros(0, int)), ALONE) == pytest.approx(USUAL)
    unmeant = Evidence((np.array([SURE] * 50),), np.full(50, NONE))
    unseeded = Evidence((np.array([[0.9, 0.1, 0.0]] * 50),), np.full(50, 2))
    assert share_kept(unmeant, ALONE) == share_kept(unseeded, ALONE) == pytest.approx(USUAL)


def test_the_intended_label_becomes_as_likely_as_the_lm_is_good() -> None:
    probabilities, intended = np.array([SURE, TORN, TORN]), np.array([1, 1, NONE])
    same = leant(probabilities, intended, USUAL)
    assert same == pytest.approx(probabilities)
    more, less = (leant(probabilities, intended, share) for share in (0.95, 0.4))
    odds = 0.95 / 0.05 / (USUAL / (1 - USUAL))
    assert more[0, 1] / more[0, 0] == pytest.approx(0.05 / 0.9 * odds)
    assert more[1].argmax() == 1 and less[1].argmax() == 0 and more[1, 0] / more[1, 2] == pytest.approx(2)
    assert more[2] == pytest.approx(TORN)
    assert leant(np.array([[1.0, 0.0]]), np.array([1]), 0.99).tolist() == [[1.0, 0.0]]


def test_calibrations_lean_too() -> None:
    assert leaning(ALONE, USUAL) == Calibration(ALONE.trust, pytest.approx(ALONE.intended))
    assert leaning(ALONE, 0.95).intended == pytest.approx(0.8 + np.log(0.95 / 0.05) - np.log(USUAL / (1 - USUAL)))
    assert leaning(ALONE, 0.1).intended == 0.0
