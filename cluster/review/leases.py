"""Who works on which row, so that no two people get the same one."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any


class Leases:
    """Leases on rows, each of one person, that run out unless they are renewed. `clock` tells seconds."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.time) -> None:
        self.seconds, self._clock = seconds, clock
        self._held: dict[str, dict[str, float]] = {}

    def holders(self, row: str) -> set[str]:
        """Who has the row now."""
        now = self._clock()
        return {who for who, until in self._held.get(row, {}).items() if until > now}

    def row_of(self, who: str) -> str | None:
        """The row that a person has now."""
        return next((row for row in self._held if who in self.holders(row)), None)

    def take(self, row: str, who: str) -> None:
        """Give a person the row, or renew the lease on it; any other row that the person has becomes free."""
        if who not in self._held.get(row, {}):
            self.release(who)
        self._held.setdefault(row, {})[who] = self._clock() + self.seconds

    def release(self, who: str) -> None:
        """What the person has becomes free."""
        for row in [row for row, held in self._held.items() if who in held]:
            del self._held[row][who]
            if not self._held[row]:
                del self._held[row]

    def dump(self) -> dict[str, Any]:
        """For JSON: row -> person -> until when."""
        return {row: dict(held) for row, held in self._held.items()}

    def load(self, held: Mapping[str, Mapping[str, float]]) -> None:
        """Go on with what `dump` gave."""
        self._held = {row: dict(each) for row, each in held.items()}
