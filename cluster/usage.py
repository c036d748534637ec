"""How well engines were used: how long they were at work, and how much of their prompts was cached."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass
class Usage:
    """Sums over the engines of one `generate`; their time runs from the first request to the last row."""

    engine_seconds: float = 0.0
    busy_seconds: float = 0.0
    prompt_tokens: int = 0
    cached_tokens: int = 0

    def add(self, seconds: float, working: int, engines: int) -> None:
        """For so many seconds so many of the engines had work."""
        self.engine_seconds += seconds * engines
        self.busy_seconds += seconds * working


class Stopwatch:
    """Seconds since the last look."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._last = clock, clock()

    def lap(self) -> float:
        now, before = self._clock(), self._last
        self._last = now
        return now - before


class EngineTime:
    """Seconds that engines have been up or starting, all together, for what they cost.

    `running` tells how many there are; call `look` before engines come or go.
    """

    def __init__(self, running: Callable[[], int], clock: Callable[[], float] = time.monotonic) -> None:
        self._running, self._watch = running, Stopwatch(clock)
        self._fresh = self._unnoted = 0.0

    def look(self) -> None:
        passed = self._running() * self._watch.lap()
        self._fresh += passed
        self._unnoted += passed

    def charge(self) -> float:
        """Seconds since the last `charge` or `take`."""
        self.look()
        passed, self._fresh = self._fresh, 0.0
        return passed

    def take(self) -> float:
        """Seconds since the last `take`, charged meanwhile or not."""
        self.look()
        passed, self._unnoted, self._fresh = self._unnoted, 0.0, 0.0
        return passed
