"""Waves overlap: the next is handed out while one is judged, and waits for verdicts only where it depends on them."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator

import pytest

from cluster.store import RequestRef
from cluster.waves import Waves


class Work:
    """Waves of two requests. `plans` says which (wave, judged) are planned when asked; judging waits for `go`."""

    def __init__(self, plans: set[tuple[int, int]], planned: int = 0, instant: bool = True) -> None:
        self.plans, self.planned = plans, planned
        self.go = threading.Event()
        self.answered: Counter[str] = Counter()
        self.log: list[str] = []
        self.error: Exception | None = None
        if instant:
            self.go.set()

    def is_planned(self, wave: int) -> bool:
        return wave < self.planned

    def open_requests(self, wave: int) -> Iterator[RequestRef]:
        self.log.append(f"open {wave}")
        return iter(RequestRef(f"{wave}{place}", f"w{wave}", place, 4, 10, "p") for place in range(2))

    def plan(self, wave: int, judged: int) -> bool:
        self.log.append(f"plan {wave} from {judged}")
        if (wave, judged) in self.plans:
            self.planned += 1
            return True
        return False

    def begin_judging(self, wave: int) -> None:
        self.log.append(f"begin {wave}")

    def judge(self, wave: int) -> None:
        assert self.go.wait(10)
        if self.error:
            raise self.error

    def end_judging(self, wave: int) -> None:
        self.log.append(f"end {wave}")

    def waves(self) -> Waves:
        return Waves(self, lambda: self.answered)


def names(waves: Waves, count: int) -> list[str | None]:
    return [request.request_id if (request := next(waves)) else None for _ in range(count)]


def test_a_wave_is_handed_out_while_the_one_before_is_judged() -> None:
    work = Work({(0, -1), (1, 0), (2, 1)}, instant=False)
    waves = work.waves()
    assert names(waves, 3) == ["00", "01", None]  # a wave's requests go out before those of the next
    assert names(waves, 4) == ["10", "11", None, None]  # wave 2 needs the verdicts on wave 0
    work.answered["w0"] = 2
    waves.advance()
    assert work.log[-1] == "begin 0"
    assert names(waves, 1) == [None]
    work.go.set()
    waves.wait()
    assert names(waves, 2) == ["20", "21"]
    assert work.log == [
        "plan 0 from -1",
        "open 0",
        "plan 1 from 0",
        "open 1",
        "begin 0",
        "end 0",
        "plan 2 from 1",
        "open 2",
    ]
    waves.close()


def test_a_wave_that_should_suffice_is_judged_before_the_next_is_planned() -> None:
    work = Work({(0, -1), (1, 1)})
    waves = work.waves()
    assert names(waves, 4) == ["00", "01", None, None]
    assert work.log.count("plan 1 from 0") == 1  # asked once, however often it is looked at
    work.answered["w0"] = 2
    waves.advance()
    waves.wait()
    assert names(waves, 3) == ["10", "11", None]
    work.answered["w1"] = 2
    waves.advance()
    waves.wait()
    assert list(waves) == []
    assert work.log[-1] == "plan 2 from 2"
    waves.close()


def test_the_first_open_request_after_all_that_is_done() -> None:
    work = Work(set(), planned=1)
    work.open_requests = lambda wave: iter(())  # type: ignore[method-assign]
    waves = work.waves()
    assert waves.first() is None
    assert work.log == ["begin 0", "end 0", "plan 1 from 0", "plan 1 from 1"]
    waves.close()


def test_what_a_budget_cut_off_is_judged_all_the_same() -> None:
    work = Work({(0, -1), (1, 0)})
    waves = work.waves()
    names(waves, 4)
    waves.judge_the_rest()
    assert work.log[-4:] == ["begin 0", "end 0", "begin 1", "end 1"]
    waves.close()


def test_an_error_of_the_judge_is_raised_where_requests_are_drawn() -> None:
    work = Work({(0, -1)})
    work.error = OSError("disk full")
    waves = work.waves()
    names(waves, 2)
    work.answered["w0"] = 2
    with pytest.raises(OSError, match="disk full"):
        for _ in range(10_000_000):
            next(waves)
    waves.close()
