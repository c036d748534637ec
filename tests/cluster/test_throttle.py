"""Limits per minute, and how many requests are let out at once."""

from __future__ import annotations

import asyncio
import time

from cluster.throttle import LONGEST_WAIT, Pace, Throttle, backoff


def test_a_pace_spreads_amounts_evenly() -> None:
    pace = Pace(120)
    assert [pace.reserve(1, 10.0) for _ in range(3)] == [0.0, 0.5, 1.0]
    assert pace.reserve(10, 13.0) == 0.0  # what was not used before is not saved up
    assert pace.reserve(1, 13.0) == 5.0
    pace.give_back(8)
    assert pace.reserve(1, 13.0) == 1.5


def test_without_a_limit_there_is_no_wait() -> None:
    pace = Pace(None)
    assert [pace.reserve(1000, 0.0) for _ in range(3)] == [0.0, 0.0, 0.0]


def test_backoff_doubles_up_to_a_minute() -> None:
    assert backoff(0) == 0.0
    for failures, most in [(1, 0.5), (2, 1.0), (4, 4.0), (9, LONGEST_WAIT), (10_000, LONGEST_WAIT)]:
        waits = [backoff(failures) for _ in range(50)]
        assert most / 2 <= min(waits) <= max(waits) <= most
        assert len(set(waits)) > 40  # by chance, so that engines do not come back all at once


def test_busy_replies_halve_the_limit_and_answers_raise_it() -> None:
    async def story() -> None:
        throttle = Throttle(8)
        entered = [await throttle.enter() for _ in range(8)]
        for each in entered:  # all of one moment: they count once
            throttle.busy(each, 0.0)
            throttle.leave()
        assert throttle.limit == 4.0
        throttle.busy(await throttle.enter(), 0.0)
        assert throttle.limit == 2.0
        throttle.leave()
        for _ in range(2):
            throttle.answered()
        assert 2.8 < throttle.limit < 3.0  # one more per round of answers
        for _ in range(100):
            throttle.answered()
        assert throttle.limit == 8
        for _ in range(9):
            throttle.busy(time.monotonic(), 0.0)
        assert throttle.limit == 1.0

    asyncio.run(story())


def test_places_are_waited_for() -> None:
    async def story() -> list[int]:
        throttle, most = Throttle(3), []

        async def work() -> None:
            await throttle.enter()
            most.append(throttle.in_flight)
            await asyncio.sleep(0.001)
            throttle.leave()

        await asyncio.gather(*(work() for _ in range(30)))
        assert throttle.in_flight == 0
        return most

    most = asyncio.run(story())
    assert (len(most), max(most)) == (30, 3)


def test_a_pause_holds_all() -> None:
    async def story() -> float:
        throttle = Throttle(3)
        began = time.monotonic()
        throttle.pause(0.2)
        throttle.pause(0.1)  # the longer one counts
        await asyncio.gather(*(throttle.enter() for _ in range(3)))
        return time.monotonic() - began

    assert asyncio.run(story()) >= 0.2
