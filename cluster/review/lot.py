"""What the page needs of a lot: its sample, and what the plan says of the outcomes so far."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol


class Decision(Protocol):
    """Where a plan stands: `state` is "open", "passed" or "failed"; shares of defective rows between 0 and 1."""

    @property
    def state(self) -> str: ...
    @property
    def checked(self) -> int: ...
    @property
    def defects(self) -> int: ...
    @property
    def estimate(self) -> float: ...
    @property
    def low(self) -> float: ...
    @property
    def high(self) -> float: ...
    @property
    def expected_left(self) -> float: ...


class Lot(Protocol):
    """A lot of a run, drawn once. `sample` has `id`, `stratum` and `second` of each row, in the order to look at them.

    `accept` and `reject` are the shares of defective rows at which the plan passes and fails it, but for its risks.
    """

    @property
    def number(self) -> int: ...
    @property
    def size(self) -> int: ...
    @property
    def sample(self) -> Sequence[Mapping[str, Any]]: ...
    @property
    def accept(self) -> float: ...
    @property
    def reject(self) -> float: ...

    def decide(self, outcomes: Sequence[bool]) -> Decision:
        """What follows from outcomes (True: defective), in the order in which they came."""
        ...
