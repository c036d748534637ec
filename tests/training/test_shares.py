import numpy as np
import pytest

from training.job import TrainingRow
from training.shares import flattened, likely, soft_targets

SURE = TrainingRow("a", "yes")
UNSURE = TrainingRow("b", "yes", shares=(("no", 0.2), ("yes", 0.8)))


def test_flattened() -> None:
    assert flattened(np.array([[0.8, 0.2, 0.0]]), 0.5) == pytest.approx(np.array([[2 / 3, 1 / 3, 0.0]]))
    assert flattened(np.array([[0.8, 0.2]]), 1.0) == pytest.approx(np.array([[0.8, 0.2]]))


def test_small_shares_go_to_the_others() -> None:
    assert likely(np.array([[0.78, 0.2, 0.02]])) == pytest.approx(np.array([[39 / 49, 10 / 49, 0.0]]))


def test_the_largest_share_stays_however_small() -> None:
    even = np.full((1, 50), 0.02)
    assert likely(even) == pytest.approx(even)


def test_a_row_without_shares_is_of_its_label() -> None:
    found = soft_targets([SURE, UNSURE], ["no", "yes"], power=0.5)
    assert found is not None
    assert found == pytest.approx(np.array([[0, 1], [1 / 3, 2 / 3]]))


def test_without_any_shares_there_are_no_soft_targets() -> None:
    assert soft_targets([SURE, SURE], ["no", "yes"], power=0.5) is None
