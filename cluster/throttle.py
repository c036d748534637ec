"""How fast a server is asked: its limits per minute, and fewer requests at once while it is busy."""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque

FIRST_WAIT, LONGEST_WAIT = 0.5, 60.0


def backoff(failures: int) -> float:
    """Seconds to wait after so many failures: doubling, up to a minute, less up to a half by chance."""
    return min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(failures - 1, 16)) * random.uniform(0.5, 1.0) if failures else 0.0


class Pace:
    """Amounts per minute, evenly: an amount's turn comes when those before it have had their time."""

    def __init__(self, per_minute: float | None) -> None:
        self._seconds_each = 60.0 / per_minute if per_minute else 0.0
        self._free_at = 0.0

    def reserve(self, amount: float, now: float) -> float:
        """Seconds until the turn of an amount that comes now."""
        turn = max(now, self._free_at)
        self._free_at = turn + amount * self._seconds_each
        return turn - now

    def give_back(self, amount: float) -> None:
        """So much of what was reserved was not used."""
        self._free_at -= amount * self._seconds_each


class Throttle:
    """Lets at most `most` requests be in flight. Busy replies halve that, answers raise it again.

    Additive increase and multiplicative decrease, as in TCP: one more per round of answers. All requests that were
    in flight when the server said that it is busy count as one reply.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self.limit = float(most)
        self.in_flight = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._slowed_at = -1.0
        self._closed_until = 0.0
        self._busy = 0

    async def enter(self) -> float:
        """Wait for a place and for the end of a pause; returns the time at which it was had."""
        while True:
            if (pause := self._closed_until - time.monotonic()) > 0:
                await asyncio.sleep(pause)
            elif self.in_flight < int(self.limit):
                self.in_flight += 1
                return time.monotonic()
            else:
                place = asyncio.get_running_loop().create_future()
                self._waiting.append(place)
                await place

    def leave(self) -> None:
        """A place is free again."""
        self.in_flight -= 1
        self._wake()

    def answered(self) -> None:
        """The server keeps up."""
        self._busy = 0
        self.limit = min(self._most, self.limit + 1 / self.limit)
        self._wake()

    def busy(self, entered: float, after: float | None) -> None:
        """The server said so to a request that had its place since `entered`; `after` seconds it may be asked again."""
        if entered > self._slowed_at:
            self.limit = max(1.0, self.limit / 2)
            self._slowed_at = time.monotonic()
            self._busy += 1
        self.pause(backoff(self._busy) if after is None else after)

    def pause(self, seconds: float) -> None:
        """Nothing goes out for so long."""
        self._closed_until = max(self._closed_until, time.monotonic() + seconds)

    def _wake(self) -> None:
        for _ in range(min(len(self._waiting), max(0, int(self.limit) - self.in_flight))):
            self._waiting.popleft().set_result(None)
