"""How much an engine is given: slots, backlog, budget, and what becomes of a dead one's requests."""

from __future__ import annotations

from cluster.budget import Budget
from cluster.dispatch import BACKLOG_SECONDS, MOST_BACKLOG, RATED_SECONDS, Dispatcher
from cluster.messages import EngineName
from cluster.store import RequestRef

ONE, TWO = EngineName(1, 0, 0), EngineName(1, 1, 0)
SLOTS = 10


def plan(count: int, samples: int = 4, most_tokens: int = 10) -> list[RequestRef]:
    return [RequestRef(f"r{number}", "plan", number, samples, most_tokens, f"p{number}") for number in range(count)]


def dispatcher(*engines: EngineName) -> Dispatcher:
    made = Dispatcher(SLOTS)
    for engine in engines:
        made.join(engine)
    return made


def names(requests: list[RequestRef]) -> list[str]:
    return [each.request_id for each in requests]


def test_an_engine_gets_its_slots_and_as_much_again() -> None:
    work = dispatcher(ONE)
    work.begin(plan(100))
    assert names(work.take(ONE)) == ["r0", "r1", "r2", "r3", "r4"]
    assert work.rows_in_flight == 20
    assert work.take(ONE) == []
    work.finished(ONE, ["r0", "r2"], 8)
    assert names(work.take(ONE)) == ["r5", "r6"]


def test_rows_that_wait_for_their_commit_take_no_slot() -> None:
    work = dispatcher(ONE)
    work.begin(plan(100))
    work.take(ONE)
    work.reported(ONE, 8, 0.0)
    assert names(work.take(ONE)) == ["r5", "r6"]
    assert work.rows_in_flight == 28
    work.finished(ONE, ["r0", "r1"], 8)
    work.reported(ONE, 0, 0.1)
    assert work.take(ONE) == []


def test_the_backlog_grows_with_an_engines_pace() -> None:
    work = dispatcher(ONE)
    work.begin(plan(1000, samples=2))
    taken = work.take(ONE)
    work.reported(ONE, 0, 0.0)
    work.finished(ONE, names(taken), 0)
    assert work.rows_in_flight == 0
    work.reported(ONE, 0, RATED_SECONDS)  # 20 rows in so many seconds
    assert sum(each.samples for each in work.take(ONE)) == SLOTS + int(20 / RATED_SECONDS * BACKLOG_SECONDS)


def test_the_backlog_has_a_bound() -> None:
    work = dispatcher(ONE)
    work.begin(plan(10_000, samples=2))
    work.reported(ONE, 0, 0.0)
    for _ in range(30):
        work.finished(ONE, names(work.take(ONE)), 0)
    work.reported(ONE, 0, RATED_SECONDS)  # 600 rows in so many seconds
    assert sum(each.samples for each in work.take(ONE)) == SLOTS * (1 + MOST_BACKLOG)


def test_the_budget_holds_for_all_in_flight_at_their_longest() -> None:
    work = dispatcher(ONE, TWO)
    work.begin(plan(100), Budget(35))
    assert names(work.take(ONE)) == ["r0", "r1", "r2"]
    assert work.take(TWO) == []
    work.finished(ONE, ["r0"], 4)  # 31 left, 20 in flight
    assert names(work.take(TWO)) == ["r4"]  # r3 is next on ONE
    work.spend(10)
    work.finished(ONE, ["r1", "r2"], 10)  # 11 left, 10 in flight
    assert work.take(ONE) == []
    work.finished(TWO, ["r4"], 1)
    assert names(work.take(TWO)) == ["r5"]
    work.finished(TWO, ["r5"], 9)
    assert (work.take(ONE), work.take(TWO), work.rows_in_flight) == ([], [], 0)


def test_a_dead_engines_requests_go_out_again_first() -> None:
    work = dispatcher(ONE, TWO)
    work.begin(plan(100), Budget(1000))
    work.take(ONE)
    work.finished(ONE, ["r1"], 10)
    assert work.leave(ONE) == (4, [], False)
    assert work.rows_in_flight == 0
    assert names(work.take(TWO)) == ["r0", "r2", "r3", "r4", "r5"]


def test_what_is_dropped_is_not_given_again() -> None:
    work = dispatcher(ONE)
    work.begin(plan(6))
    assert names(work.drop(ONE)) == []
    work.take(ONE)
    assert names(work.drop(ONE)) == ["r0", "r1", "r2", "r3", "r4"]
    assert names(work.take(ONE)) == ["r5"]


def test_a_commit_told_twice_counts_once() -> None:
    work = dispatcher(ONE)
    work.begin(plan(5))
    work.take(ONE)
    work.finished(ONE, ["r0"], 1)
    work.finished(ONE, ["r0"], 0)
    assert work.rows_in_flight == 16


def test_suspects_get_an_engine_that_has_nothing_else() -> None:
    work = dispatcher(ONE, TWO)
    work.begin(plan(12))
    work.take(ONE)
    assert (work.leave(ONE).requests, names(work.take(TWO))) == (5, ["r0", "r1", "r2", "r3", "r4"])
    work.join(ONE)
    assert names(work.take(ONE)) == ["r5", "r6", "r7", "r8", "r9"]
    assert work.leave(TWO) == (5, [], False)  # r0 to r4 have seen two engines die
    assert work.take(ONE) == []  # emptied for them
    work.join(TWO)
    assert names(work.take(TWO)) == ["r10", "r11"]  # one engine at a time
    work.finished(ONE, ["r5", "r6", "r7", "r8", "r9"], 5)
    assert names(work.take(ONE)) == ["r0", "r1", "r2", "r3", "r4"]
    assert work.take(ONE) == []
    assert work.leave(ONE) == (5, [], True)
    work.join(ONE)
    assert names(work.take(ONE)) == ["r0", "r1"]
    work.finished(ONE, ["r0", "r1"], 2)
    assert names(work.take(ONE)) == ["r2", "r3", "r4"]
    work.leave(ONE)
    work.join(ONE)
    assert names(work.take(ONE)) == ["r2"]
    assert names(work.leave(ONE).aside) == ["r2"]
    work.join(ONE)
    assert names(work.take(ONE)) == ["r3", "r4"]
    work.finished(ONE, ["r3", "r4"], 2)
    work.finished(TWO, ["r10", "r11"], 2)
    assert (work.take(ONE), work.take(TWO), work.rows_in_flight) == ([], [], 0)


def test_a_refused_request_is_out_of_the_way() -> None:
    work = dispatcher(ONE)
    work.begin(plan(2), Budget(20))
    work.take(ONE)
    assert work.refused(ONE, "r1") == plan(2)[1]
    assert work.refused(ONE, "r1") is None
    assert work.rows_in_flight == 4
    assert work.is_busy(ONE)


def test_suspects_stay_within_the_budget() -> None:
    work = dispatcher(ONE)
    work.begin(plan(3), Budget(35))
    for _ in range(2):
        assert len(work.take(ONE)) == 3
        work.leave(ONE)
        work.join(ONE)
    work.spend(20)  # what died with the two engines
    assert names(work.take(ONE)) == ["r0"]
    work.finished(ONE, ["r0"], 5)
    assert names(work.take(ONE)) == ["r1"]
    work.finished(ONE, ["r1"], 5)
    assert (work.take(ONE), work.rows_in_flight) == ([], 0)
