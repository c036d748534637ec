"""How long engines were at work, and how long they were there."""

from __future__ import annotations

from cluster.usage import EngineTime, Stopwatch, Usage


class HandClock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_share_of_the_engines_had_work() -> None:
    usage = Usage()
    usage.add(2.0, working=1, engines=2)
    usage.add(1.0, working=2, engines=2)
    assert (usage.engine_seconds, usage.busy_seconds) == (6.0, 4.0)


def test_laps() -> None:
    clock = HandClock()
    watch = Stopwatch(clock)
    clock.now += 3
    assert [watch.lap(), watch.lap()] == [3.0, 0.0]


def test_engine_time_is_charged_once_and_noted_once() -> None:
    clock, running = HandClock(), 2
    time = EngineTime(lambda: running, clock)
    clock.now += 5
    time.look()
    running = 1
    clock.now += 1
    assert time.charge() == 11
    clock.now += 2
    assert time.take() == 13  # what was charged is not noted yet
    clock.now += 4
    assert (time.charge(), time.take()) == (4, 4)
