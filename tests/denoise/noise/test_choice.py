"""An LM's opinion on labels, in several ways."""

from __future__ import annotations

import numpy as np
import pytest

from denoise.noise.calibration import Calibration
from denoise.noise.choice import choice_opinion, expected_wrong, trusted_with

TRUE = np.array([0, 1, 2] * 20)
PAIR = Calibration((0.8, 1.1), 0.35)


def says(right: float, draw: int = 0) -> np.ndarray:
    """Probabilities [60, 3]: 0.8 for a label that is right so often."""
    random = np.random.default_rng(draw)
    told = np.where(random.random(len(TRUE)) < right, TRUE, (TRUE + random.integers(1, 3, len(TRUE))) % 3)
    return np.full((len(TRUE), 3), 0.1) + 0.7 * np.eye(3)[told]


def test_a_ways_habit_is_taken_off() -> None:
    signal = np.log(says(1.0))
    biased = np.stack([signal + np.array([5.0, 0, 0]), signal + np.array([0, 0, 9.0])])
    assert (np.argmax(biased[0], axis=1) == 0).all()
    assert (choice_opinion(biased).argmax(axis=1) == TRUE).all()


def test_ways_are_averaged() -> None:
    one, other = np.log(says(0.6, 1)), np.log(says(0.6, 2))
    found = choice_opinion(np.stack([one, other]))
    assert found.sum(axis=1) == pytest.approx(1)
    product = np.sqrt(choice_opinion(one[None]) * choice_opinion(other[None]))
    assert found == pytest.approx(product / product.sum(axis=1, keepdims=True))


def test_labels_that_were_not_asked_about() -> None:
    table = np.array([[[-1.0, -2.0, np.nan], [-2.0, -1.0, np.nan], [-3.0, np.nan, -0.5]]])
    found = choice_opinion(table)
    assert np.isfinite(found).all()
    assert found[0, 2] == pytest.approx(min(found[0, :2]))
    assert choice_opinion(np.zeros((0, 2, 4))).tolist() == [[0.25] * 4] * 2


def test_an_lm_is_trusted_as_far_as_it_shows_that_it_knows() -> None:
    plain = says(0.7, 1)
    knows, guesses = (trusted_with(PAIR, plain, says(right, 2), TRUE) for right in (0.9, 1 / 3))
    assert knows.trust[2] > 0.3
    assert guesses.trust[2] < 0.1
    lies = trusted_with(PAIR, plain, says(0.0, 2), TRUE)
    assert lies.trust[2] == 0
    assert trusted_with(PAIR, plain[:0], plain[:0], TRUE[:0]).trust == (0.8, 1.1, 0.0)


def test_expected_wrong() -> None:
    sure, unsure = np.array([[0.98, 0.01, 0.01]]), np.array([[0.4, 0.3, 0.3]])
    assert expected_wrong((sure, sure), PAIR)[0] < 0.01
    assert expected_wrong((sure, unsure), PAIR)[0] < expected_wrong((unsure, unsure), PAIR)[0]
