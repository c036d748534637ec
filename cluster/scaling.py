"""How many engines the work that waits deserves."""

from __future__ import annotations

BACKLOG = 4  # times its slots in rows that wait, for each engine there is: then one more is worth its start
IDLE_SECONDS = 60.0  # that an engine beyond the fewest may have nothing to do before it goes


def wants_more(engines: int, starting: int, most: int, waiting: int, slots: int) -> bool:
    """Whether to start another engine, given how many rows wait for one.

    One at a time: a cluster that has no room for the first would have none for the next. A short queue is worked off
    sooner than an engine loads.
    """
    return starting == 0 and engines < most and waiting >= BACKLOG * slots * max(1, engines)


def is_spare(engines: int, fewest: int, waiting: int, idle_seconds: float) -> bool:
    """Whether an engine that has been idle for so long can go."""
    return engines > fewest and waiting == 0 and idle_seconds >= IDLE_SECONDS
