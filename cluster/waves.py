"""The requests of a round, wave after wave: while one wave is judged, engines already work on the next.

Wave k is planned from the verdicts up to wave k-2 and from what wave k-1 is expected to bring. Only when that is
expected to be enough is it planned from the verdicts on wave k-1, which then have to be waited for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

from cluster.store import RequestRef


class WaveWork(Protocol):
    """What is done to the waves of a round; only `judge` is called from another thread, one wave at a time."""

    def is_planned(self, wave: int) -> bool: ...

    def open_requests(self, wave: int) -> Iterator[RequestRef]: ...

    def plan(self, wave: int, judged: int) -> bool:
        """Commit a wave's requests, given that the waves before `judged` are judged; False when none are wanted."""

    def begin_judging(self, wave: int) -> None: ...

    def judge(self, wave: int) -> None: ...

    def end_judging(self, wave: int) -> None: ...


@dataclass
class _Handed:
    """Requests of a wave handed out so far, by plan part; `whole` once there are no more."""

    parts: dict[str, int]
    whole: bool = False


class Waves:
    """An iterator of requests, with None after each wave and as long as the next one is not known yet.

    `answered` says how many requests of each plan part are committed or set aside: a wave is judged when all that
    were handed out are. Raises what judging raised.
    """

    def __init__(self, work: WaveWork, answered: Callable[[], Mapping[str, int]]) -> None:
        self._work, self._answered = work, answered
        self._handed: list[_Handed] = []
        self._requests: Iterator[RequestRef] = iter(())
        self._judging: Future[None] | None = None
        self._judged = 0
        self._awaiting = -1  # the wave whose plan waits for the verdicts on the one before it
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="judging")
        self._ended = False

    def __iter__(self) -> Waves:
        return self

    def __next__(self) -> RequestRef | None:
        while (request := next(self._requests, None)) is None:
            if self._handed and not self._handed[-1].whole:
                self._handed[-1].whole = True
                return None  # its requests go out before those of the next
            self.advance()
            opened = self._open_next()
            if opened is None:
                return None
            if not opened:
                raise StopIteration
        parts = self._handed[-1].parts
        parts[request.part] = parts.get(request.part, 0) + 1
        return request

    def first(self) -> RequestRef | None:
        """The first request that is open, once all waves before it are judged; None when there is none."""
        for request in self:
            if request is not None:
                return request
            self.wait()
        return None

    def advance(self) -> None:
        """Have waves judged that are complete."""
        if self._judging is not None and self._judging.done():
            self._finish_judging()
        if self._judging is None and self._judged < len(self._handed) and self._is_complete(self._judged):
            self._begin_judging()

    def wait(self) -> None:
        """Until the wave that is being judged has its verdicts."""
        if self._judging is not None:
            self._finish_judging()
        self.advance()

    def close(self) -> None:
        """End the thread; a wave that is being judged gets its verdicts first."""
        self._thread.shutdown(wait=True, cancel_futures=True)

    def judge_the_rest(self) -> None:
        """What waves have brought by now, whether they are complete or not."""
        while self._judging is not None or self._judged < len(self._handed):
            if self._judging is None:
                self._begin_judging()
            self._finish_judging()

    def _open_next(self) -> bool | None:
        """Whether there is a further wave, or None when that is not known yet."""
        wave = len(self._handed)
        if self._ended:
            return False
        if not self._work.is_planned(wave):
            if self._judged < wave - 1 or (self._awaiting == wave and self._judged < wave):
                return None
            if not self._plan(wave):
                return None if self._judged < wave else False
        self._handed.append(_Handed({}))
        self._requests = self._work.open_requests(wave)
        return True

    def _plan(self, wave: int) -> bool:
        if self._awaiting < wave and self._work.plan(wave, wave - 1):
            return True
        self._awaiting = wave
        if self._judged < wave:
            return False
        self._ended = not self._work.plan(wave, wave)
        return not self._ended

    def _is_complete(self, wave: int) -> bool:
        handed, answered = self._handed[wave], self._answered()
        return handed.whole and all(answered.get(part, 0) >= count for part, count in handed.parts.items())

    def _begin_judging(self) -> None:
        self._work.begin_judging(self._judged)
        self._judging = self._thread.submit(self._work.judge, self._judged)

    def _finish_judging(self) -> None:
        assert self._judging is not None
        judging, self._judging = self._judging, None
        judging.result()
        self._work.end_judging(self._judged)
        self._judged += 1
