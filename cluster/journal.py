"""What happened, line by line: for people on the screen, for programs in the run's log."""

from __future__ import annotations

import contextlib
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from cluster.log import open_log
from generation.location import Location


class Journal:
    """Appends events to the log of a run and passes their text on to `show`. Lines survive a killed driver."""

    def __init__(self, root: Location, show: Callable[[str], None]) -> None:
        self._log, self._show = open_log(root), show

    def say(self, line: str) -> None:
        """A line for people."""
        self.note("line", text=line)
        self._show(line)

    def note(self, kind: str, **fields: Any) -> None:
        """An event for programs."""
        event = {"at": round(time.time(), 3), "kind": kind, **fields}
        self._log.append(json.dumps(event).encode() + b"\n")

    @contextmanager
    def timed(self, stage: str, round_: int) -> Iterator[None]:
        """Notes how many seconds the block took, also when it ends by an error."""
        began = time.monotonic()
        try:
            yield
        finally:
            self.note("stage", stage=stage, round=round_, seconds=round(time.monotonic() - began, 3))

    def events(self, kind: str) -> list[dict[str, Any]]:
        """Events of a kind, oldest first; a last line cut short by a kill is passed over."""
        return [event for event in self._events() if event["kind"] == kind]

    def _events(self) -> Iterator[dict[str, Any]]:
        for line in self._log.lines():
            with contextlib.suppress(json.JSONDecodeError):
                yield json.loads(line)

    def times(self) -> list[tuple[str, float]]:
        """Kind and time, in seconds since 1970, of all events, oldest first."""
        return [(event["kind"], event["at"]) for event in self._events()]

    def seconds(self, round_: int) -> dict[str, float]:
        """Seconds per stage of a round, all drivers that worked on it together."""
        total: Counter[str] = Counter()
        for event in self.events("stage"):
            if event["round"] == round_:
                total[event["stage"]] += event["seconds"]
        return {stage: round(seconds, 1) for stage, seconds in total.items()}
