"""Confident learning, against the authors' own library."""

from __future__ import annotations

import numpy as np
import pytest

from denoise.noise.confident import (
    confident_errors,
    confident_joint,
    label_thresholds,
    noise_share,
    normalised_margin,
    self_confidence,
)

PROBABILITIES = np.array([[0.9, 0.1], [0.7, 0.3], [0.2, 0.8], [0.4, 0.6], [0.1, 0.9], [0.8, 0.2]])
GIVEN = np.array([0, 0, 0, 1, 1, 1])


def noisy(seed: int, labels: int, rows: int, noise: float) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of a fair classifier, and given labels of which a share is wrong."""
    draw = np.random.default_rng(seed)
    true = draw.integers(labels, size=rows)
    probabilities = draw.dirichlet(np.full(labels, 0.3), rows) + 2 * np.eye(labels)[true] * draw.random((rows, 1))
    given = np.where(draw.random(rows) < noise, draw.integers(labels, size=rows), true)
    return probabilities / probabilities.sum(axis=1, keepdims=True), given


def test_by_hand() -> None:
    assert self_confidence(PROBABILITIES, GIVEN) == pytest.approx([0.9, 0.7, 0.2, 0.6, 0.9, 0.2])
    assert normalised_margin(PROBABILITIES, GIVEN) == pytest.approx([0.9, 0.7, 0.2, 0.6, 0.9, 0.2])
    assert label_thresholds(PROBABILITIES, GIVEN) == pytest.approx([0.6, 1.7 / 3])
    joint = confident_joint(PROBABILITIES, GIVEN)
    assert joint.tolist() == [[2, 1], [1, 2]]
    assert noise_share(joint) == pytest.approx(1 / 3)
    assert confident_errors(PROBABILITIES, GIVEN).tolist() == [False, False, True, False, False, True]


def test_a_label_without_rows_has_no_say() -> None:
    wide = np.hstack([PROBABILITIES, np.zeros((6, 1))])
    assert label_thresholds(wide, GIVEN)[2] == 1
    assert confident_joint(wide, GIVEN)[2].tolist() == [0, 0, 0]
    assert confident_errors(wide, GIVEN).tolist() == confident_errors(PROBABILITIES, GIVEN).tolist()
    assert noise_share(np.zeros((2, 2))) == 0.0


@pytest.mark.parametrize(("seed", "labels", "noise"), [(0, 3, 0.2), (1, 10, 0.4), (2, 5, 0.1), (3, 20, 0.2)])
def test_parity_with_cleanlab(seed: int, labels: int, noise: float) -> None:
    count = pytest.importorskip("cleanlab.count")
    filtering, rank = pytest.importorskip("cleanlab.filter"), pytest.importorskip("cleanlab.rank")
    probabilities, given = noisy(seed, labels, 1500, noise)
    theirs = count.compute_confident_joint(given, probabilities, calibrate=True)
    assert np.abs(confident_joint(probabilities, given) - theirs).max() <= 1  # they round to whole rows
    assert label_thresholds(probabilities, given) == pytest.approx(count.get_confident_thresholds(given, probabilities))
    assert self_confidence(probabilities, given) == pytest.approx(
        rank.get_self_confidence_for_each_label(given, probabilities)
    )
    assert normalised_margin(probabilities, given) == pytest.approx(
        rank.get_normalized_margin_for_each_label(given, probabilities)
    )
    wrong = filtering.find_label_issues(
        given,
        probabilities,
        filter_by="prune_by_noise_rate",
        min_examples_per_class=0,
        n_jobs=1,  # a forked pool would inherit Ray's signal handlers from the tests before, and hang at its end
    )
    ours = confident_errors(probabilities, given)
    assert (ours != wrong).mean() < 0.01  # they round a joint's rows to sums, we each cell
