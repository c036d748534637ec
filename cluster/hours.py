"""How long drivers have worked on a run, by its log."""

from __future__ import annotations

from cluster.journal import Journal
from cluster.prices import HOUR

BEGAN = "driver"  # the event that a driver notes first


def spent_hours(journal: Journal, now: float | None = None) -> float:
    """Hours of all drivers so far; each counts from its first event to its last, the newest one to `now` if it is told.

    A killed driver's time ends with the last thing that it noted. Without such events (older runs) it is 0.
    """
    spans: list[list[float]] = []
    for kind, at in journal.times():
        if kind == BEGAN:
            spans.append([at, at])
        elif spans:
            spans[-1][1] = max(spans[-1][1], at)
    if spans and now is not None:
        spans[-1][1] = max(spans[-1][1], now)
    return sum(end - start for start, end in spans) / HOUR
