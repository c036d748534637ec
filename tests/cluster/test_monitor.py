"""What the view is told, with a hand-wound clock."""

from __future__ import annotations

from types import TracebackType
from typing import Self

import pytest

from cluster.live import Progress
from cluster.messages import Committed, PoolStatus
from cluster.monitor import Monitor
from cluster.rounds import Round
from cluster.store import Store
from tests.cluster.cases import add_rows, add_verdicts, verdict

NOW = Round(0, {"pos": 4, "neg": 4}, 4, None)


class Recorder:
    """A view that keeps what it is shown."""

    def __init__(self) -> None:
        self.shown: list[Progress] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        pass

    def update(self, progress: Progress) -> None:
        self.shown.append(progress)

    def log(self, line: str) -> None:
        pass


class HandClock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def view() -> Recorder:
    return Recorder()


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def monitor(store: Store, view: Recorder, clock: HandClock) -> Monitor:
    return Monitor(store, view, clock)


def part(rows: int) -> Committed:
    return Committed("p", ("r",), rows, 3, 0, 2)


def test_stages_before_any_round(monitor: Monitor, view: Recorder) -> None:
    monitor.stage("done")
    assert view.shown == [Progress(0, 0, "done")]


def test_a_round_begins_with_what_it_has(store: Store, monitor: Monitor, view: Recorder) -> None:
    add_rows(store, ["pos-0", "pos-1", "neg-0"])
    add_verdicts(store, [verdict("pos-0"), verdict("pos-1", "rejected")])
    monitor.begin_round(NOW)
    assert view.shown == [
        Progress(0, 0, "starting", {"pos": 1}, NOW.targets, generated=3, acceptance_rate=0.5),
    ]
    monitor.begin_wave(2)
    monitor.committed(part(5))
    assert (view.shown[-1].wave, view.shown[-1].generated) == (2, 8)


def test_rates_and_the_time_left(store: Store, monitor: Monitor, view: Recorder, clock: HandClock) -> None:
    add_rows(store, ["pos-0", "neg-0"])
    add_verdicts(store, [verdict("pos-0"), verdict("neg-0", "rejected")])
    monitor.begin_round(NOW)
    monitor.observe(PoolStatus(produced=100, lost=0, in_flight=8, engines=1))
    assert (view.shown[-1].tokens_per_second, view.shown[-1].eta_seconds) == (0, None)
    clock.now += 10
    monitor.committed(part(2))
    monitor.observe(PoolStatus(produced=400, lost=30, in_flight=6, engines=1))
    shown = view.shown[-1]
    assert (shown.tokens_per_second, shown.in_flight, shown.output_tokens, shown.lost_tokens) == (30, 6, 400, 30)
    # 3 are missing at 7 of 11 kept, 4 at 6 of 11; 2 rows are there and not judged; 2 rows in 10 s
    seconds = (3 * 11 / 7 + 4 * 11 / 6 - 2) * 5
    assert shown.eta_seconds == pytest.approx(seconds)
    monitor.judged()
    assert view.shown[-1].in_flight == 6  # engines go on beside it
    assert view.shown[-1].eta_seconds == pytest.approx(seconds)


def test_judging_is_the_stage_when_nothing_else_goes_on(monitor: Monitor, view: Recorder) -> None:
    monitor.begin_round(NOW)
    monitor.observe(PoolStatus(0, 0, 8, 1))
    monitor.judging()
    assert view.shown[-1].stage == "generating"
    monitor.observe(PoolStatus(10, 0, 0, 0))  # its engine died
    assert view.shown[-1].stage == "generating"
    monitor.observe(PoolStatus(10, 0, 0, 1, awaits=True))
    assert view.shown[-1].stage == "denoising"
    monitor.stage("starting engine")
    monitor.judging()
    assert view.shown[-1].stage == "denoising"


def test_the_rate_is_of_the_last_twenty_seconds(monitor: Monitor, view: Recorder, clock: HandClock) -> None:
    monitor.begin_round(NOW)
    for produced in (0, 1000, 1010, 1030):
        monitor.observe(PoolStatus(produced, 0, 1, 1))
        clock.now += 15
    # two looks are always kept, however far apart
    assert view.shown[-1].tokens_per_second == pytest.approx(20 / 15)


def test_a_wave_starts_a_new_rate(monitor: Monitor, view: Recorder, clock: HandClock) -> None:
    monitor.begin_round(NOW)
    monitor.observe(PoolStatus(100, 0, 1, 1))
    clock.now += 5
    monitor.begin_wave(1)
    monitor.observe(PoolStatus(900, 0, 1, 1))
    assert view.shown[-1].tokens_per_second == 0
