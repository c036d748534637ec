"""How far a student is, and which look at the dev rows was the best. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple


class Look(NamedTuple):
    """The student on the dev rows at a `step`; `loss` is their mean cross-entropy, `error` its standard error."""

    step: int
    macro_f1: float
    loss: float
    error: float = 0.0


@dataclass
class Progress:
    """What besides tensors a checkpoint holds; `key` tells whose it is, `loss_name` what a student minimises."""

    key: str
    step: int = 0
    seconds: float = 0.0
    loss: float = 0.0
    resumes: int = 0
    loss_name: str = ""
    curve: list[Look] = field(default_factory=list)

    @property
    def lowest(self) -> Look | None:
        """The look with the lowest loss, the earliest of equals."""
        return min(self.curve, key=lambda look: look.loss, default=None)

    @property
    def best(self) -> Look | None:
        """The latest look within one standard error of the lowest loss.

        The one-standard-error rule (Breiman et al. 1984): a handful of dev rows cannot tell such looks apart, and of
        those the longer trained student has learnt more from the rows.
        """
        return next((look for look in reversed(self.curve) if self._is_close(look)), None)

    def stalled(self, patience: int) -> bool:
        """Whether the last `patience` looks were all clearly worse than the lowest."""
        return len(self.curve) > patience and not any(map(self._is_close, self.curve[-patience:]))

    def _is_close(self, look: Look) -> bool:
        lowest = self.lowest
        return lowest is not None and look.loss <= lowest.loss + lowest.error
