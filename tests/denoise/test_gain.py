"""The difference of two students on the same rows, and how sure one can be of it."""

from __future__ import annotations

import pytest

from denoise.gain import Gain, paired_gain


def pairs(both: int, better: int, worse: int, neither: int) -> tuple[list[bool], list[bool]]:
    before = [True] * both + [False] * better + [True] * worse + [False] * neither
    now = [True] * both + [True] * better + [False] * worse + [False] * neither
    return before, now


def test_no_row_changes() -> None:
    assert paired_gain(*pairs(7, 0, 0, 3)) == Gain(0.0, 0.0, 0.0, 10, 0, 0)
    assert paired_gain([], []) == Gain(0.0, -1.0, 1.0, 0, 0, 0)


def test_one_row_more_is_not_sure() -> None:
    gain = paired_gain(*pairs(5, 1, 0, 4))
    # Clopper-Pearson of 1 of 1: .025 to 1, so 2 p - 1 from -.95 to 1, of a tenth of the rows
    assert (gain.share, gain.better, gain.worse) == (0.1, 1, 0)
    assert (gain.low, gain.high) == pytest.approx((-0.095, 0.1))
    assert gain.may_be_none and not gain.is_loss


@pytest.mark.parametrize(("changed", "sure"), [(5, False), (6, True)])
def test_six_of_six_are_sure_as_the_exact_test_has_it(changed: int, sure: bool) -> None:
    """p is 2/2^5 = .0625 and 2/2^6 = .03125."""
    assert paired_gain(*pairs(10, changed, 0, 4)).may_be_none is not sure
    loss = paired_gain(*pairs(10, 0, changed, 4))
    assert (loss.may_be_none, loss.is_loss) == (True, sure)


def test_in_words() -> None:
    assert str(paired_gain(*pairs(40, 8, 2, 50))) == "+6.0 points [-1.1, +9.5] on 100 rows"
