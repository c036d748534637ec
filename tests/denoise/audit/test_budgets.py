import numpy as np
import pytest

from denoise.audit.budgets import Doubts, Prices, Split, best_split, checks_for, split_at

DOUBTS = Doubts.of(np.array([0.4, 0.0, 0.2, 0.0]))  # 15 % wrong as they come
PRICES = Prices(lm=0.01, human=0.1)


def test_what_is_left_when_people_take_the_least_sure() -> None:
    assert [DOUBTS.left(share) for share in (0.0, 0.25, 0.5, 1.0)] == pytest.approx([0.15, 0.05, 0.0, 0.0])
    assert DOUBTS.left(0.125) == pytest.approx(0.10)  # half of the worst quarter


def test_people_err_too() -> None:
    doubts = Doubts.of(np.array([0.4, 0.0, 0.2, 0.0]), human_error=0.1)
    assert doubts.left(0.5) == pytest.approx(0.05)
    assert doubts.share_for(0.04) is None
    assert doubts.share_for(0.05) == pytest.approx(0.5)


def test_the_least_share_for_a_target() -> None:
    assert DOUBTS.share_for(0.2) == 0.0
    assert DOUBTS.share_for(0.05) == pytest.approx(0.25)
    assert DOUBTS.share_for(0.0) == pytest.approx(0.5)


def test_a_split_keeps_within_its_money() -> None:
    assert split_at(0.0, 10, PRICES, DOUBTS) == Split(1000, 0, 10.0, pytest.approx(0.15))
    assert split_at(0.25, 10, PRICES, DOUBTS) == Split(285, 71, pytest.approx(9.95), pytest.approx(0.05, abs=0.002))
    assert split_at(1.0, 11, PRICES, DOUBTS) == Split(100, 100, pytest.approx(11), 0.0)
    assert split_at(0.0, 10, PRICES, DOUBTS, most=200) == Split(200, 0, 2.0, pytest.approx(0.15))


@pytest.mark.parametrize("target", [0.01, 0.03, 0.05, 0.1, 0.15])
def test_the_best_split_meets_its_target_within_its_money(target: float) -> None:
    found = best_split(target, 10, PRICES, DOUBTS)
    assert found is not None
    assert found.wrong <= target + 1e-9
    assert found.cost <= 10 + 1e-9
    larger = found.rows + 2
    needed = DOUBTS.share_for(target)
    assert needed is not None and larger * (0.01 + needed * 0.1) > 10 - 0.1  # none has two rows more


def test_money_left_over_goes_to_people() -> None:
    assert best_split(0.15, 10, PRICES, DOUBTS, most=100) == Split(100, 90, pytest.approx(10.0), 0.0)


def test_no_split_where_people_are_as_wrong_as_the_target_forbids() -> None:
    assert best_split(0.01, 10, PRICES, Doubts.of(np.array([0.5, 0.5]), human_error=0.05)) is None


def test_checking_rows_that_are_there() -> None:
    assert checks_for(10, 400, PRICES, DOUBTS) == Split(400, 100, pytest.approx(10), pytest.approx(0.05))
    assert checks_for(100, 400, PRICES, DOUBTS).checked == 400


def test_odd_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match=r"must be one or more in 0\.\.1; got 0"):
        Doubts.of(np.array([]))
    with pytest.raises(ValueError, match=r"0\.\.1"):
        Doubts.of(np.array([1.2]))
    with pytest.raises(ValueError, match="has no limit"):
        split_at(0.0, 1, Prices(0, 0), DOUBTS)
