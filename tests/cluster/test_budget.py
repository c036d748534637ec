"""What a budget affords, in tokens and in money."""

from __future__ import annotations

import time

import pytest

from cluster.budget import Budget
from cluster.dispatch import Dispatcher
from cluster.messages import EngineName
from cluster.prices import PriceSettings
from cluster.store import RequestRef

ENGINE = EngineName(1, 0, 0)
PRICES = PriceSettings(prompt=1_000_000, output=3_000_000, per_engine_hour=3600)


def request(name: str = "r", most_tokens: int = 10, samples: int = 2) -> RequestRef:
    return RequestRef(name, "plan", 0, samples, most_tokens, "p")


def test_prices() -> None:
    assert PRICES.of_tokens(5, 2) == 11.0
    assert PRICES.of_tokens(5, 0, 4) == 5.0  # cached ones cost the same unless it is said otherwise
    assert PriceSettings(prompt=1_000_000, cached=0).of_tokens(5, 0, 4) == 1.0
    assert PRICES.of_lost(2) == 6.0
    assert PRICES.of_engines(2.5) == 2.5
    assert (bool(PriceSettings()), bool(PriceSettings(per_engine_hour=1)), bool(PRICES)) == (False, True, True)


def test_a_request_costs_at_most_its_prompt_and_full_answers() -> None:
    assert Budget(prices=PRICES, max_tokens=3).most_cost(request()) == 4 + 6 * 3
    assert Budget(prices=PRICES, max_tokens=100).most_cost(request()) == 30


def test_money_holds_for_all_in_flight() -> None:
    budget = Budget(money=50.0, prices=PRICES, max_tokens=3)
    assert budget.affords(request())
    budget.hold(request("a"))
    budget.hold(request("b"))  # 44 of 50
    assert not budget.affords(request("c"))
    budget.release(request("a"))
    budget.spend(7, 20.0)  # 30 left, 22 in flight
    assert not budget.affords(request("c"))
    budget.release(request("b"))
    budget.spend(1, 1.0)
    assert budget.affords(request("c"))
    assert not budget.is_spent
    budget.spend(0, 29.0)
    assert budget.is_spent


def test_the_scarcer_of_both_decides() -> None:
    assert not Budget(tokens=9, money=1e9, prices=PRICES).affords(request())
    assert not Budget(tokens=10, money=29.0, prices=PRICES, max_tokens=100).affords(request())
    assert Budget(tokens=10, money=30.0, prices=PRICES, max_tokens=100).affords(request())
    assert Budget().affords(request())


@pytest.mark.parametrize("money", [21.0, 22.0, 65.0, 66.0, 100.0])
def test_the_dispatcher_stays_within(money: float) -> None:
    """Each request is charged all that it may cost: what is spent and in flight never exceeds the budget."""
    work = Dispatcher(6)
    work.join(ENGINE)
    work.begin([request(f"r{number}") for number in range(20)], Budget(money=money, prices=PRICES, max_tokens=3))
    spent, done = 0.0, 0
    while taken := work.take(ENGINE):
        assert spent + 22.0 * len(taken) <= money
        for each in taken:
            work.finished(ENGINE, [each.request_id], 10, 22.0)
            spent += 22.0
            done += 1
    assert done == money // 22


def test_what_is_handed_back_goes_out_again_if_the_budget_allows() -> None:
    work = Dispatcher(6)
    work.join(ENGINE)
    work.begin([request("a"), request("b")], Budget(tokens=35))
    assert [each.request_id for each in work.take(ENGINE)] == ["a", "b"]
    work.spend(10)
    work.returned(ENGINE, "a")
    assert work.rows_in_flight == 2
    assert [each.request_id for each in work.take(ENGINE)] == ["a"]
    work.spend(10)
    work.returned(ENGINE, "a")
    work.returned(ENGINE, "a")  # told twice
    assert work.take(ENGINE) == []  # 15 left, 10 of them for b
    work.finished(ENGINE, ["b"], 10)
    assert work.take(ENGINE) == []
    assert work.rows_in_flight == 0


def test_when_time_is_up_nothing_goes_out() -> None:
    late, early = Budget(until=time.monotonic()), Budget(until=time.monotonic() + 900)
    assert (late.is_late, late.is_spent, late.affords(request())) == (True, True, False)
    assert (early.is_late, early.is_spent, early.affords(request())) == (False, False, True)
    assert not Budget().is_late
