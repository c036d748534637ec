import numpy as np
import pytest

from denoise.audit.explanations import Explanations, SelectionAccuracy, best_of_rows, selection_accuracy

TOLD = Explanations(
    row=np.array([0, 1, 0, 1, 0, 1, 2, 2]),
    greedy=np.array([True, True, False, False, False, False, True, False]),
    mean_logprob=np.array([-1.0, -1.0, -0.5, -2.0, -3.0, -0.9, -1.0, -2.0]),
    votes=np.array([1.0, 0.0, 0.0, 2 / 3, 0.5, 1.0, 1.0, np.nan]),  # of row 2 one has no vote
)


def test_two_of_three_votes_make_an_explanation_acceptable() -> None:
    assert TOLD.accepted.tolist() == [True, False, False, True, False, True, True, False]


def test_how_often_each_way_takes_an_acceptable_one() -> None:
    scores = np.array([0.9, 0.1, 0.2, 0.8, 0.3, 0.7, 0.5, 0.5])
    found = selection_accuracy(TOLD, scores)
    assert found == SelectionAccuracy(
        rows=2, random=pytest.approx((1 / 3 + 2 / 3) / 2), greedy=0.5, lowest_nll=0.5, model=1.0, oracle=1.0
    )
    assert best_of_rows(TOLD, scores).tolist() == [0, 3, 6]


def test_without_a_row_that_is_voted_on_whole_nothing_is_said() -> None:
    none = Explanations(np.array([0, 0]), np.array([True, False]), np.zeros(2), np.array([1.0, np.nan]))
    assert selection_accuracy(none) is None
