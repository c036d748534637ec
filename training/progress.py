"""How far a student is, and which look at the dev rows was the best. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple


class Look(NamedTuple):
    """The student on the dev rows after `step` steps; `loss` is their mean cross-entropy."""

    step: int
    macro_f1: float
    loss: float


@dataclass
class Progress:
    """What besides tensors a checkpoint holds; `key` tells whose it is."""

    key: str
    step: int = 0
    seconds: float = 0.0
    loss: float = 0.0
    resumes: int = 0
    curve: list[Look] = field(default_factory=list)

    @property
    def best(self) -> Look | None:
        """Lowest loss, then highest macro-F1, then earliest: with a handful of rows F1 moves in leaps."""
        return min(self.curve, key=lambda look: (look.loss, -look.macro_f1), default=None)

    def stalled(self, patience: int) -> bool:
        return self.best is not None and len(self.curve) - 1 - self.curve.index(self.best) >= patience
