"""What people are asked to look at: a lot, or rows that somebody picked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from cluster.audit.lots import Sampled
from cluster.store import Store
from denoise.audit.assurance import Assurance
from denoise.audit.plans import Decision


class Work(Protocol):
    """Rows in the order in which they are shown, and what follows from what people say of them.

    `assurance` is None where no plan hangs on it; `folder` is where its state lies below the run.
    """

    @property
    def title(self) -> str: ...
    @property
    def folder(self) -> str: ...
    @property
    def sample(self) -> Sequence[Sampled]: ...
    @property
    def assurance(self) -> Assurance | None: ...
    def decide(self, outcomes: Sequence[bool]) -> Decision: ...
    def is_closed(self, store: Store) -> bool: ...


@dataclass(frozen=True)
class Picked:
    """Rows that somebody picked: open as long as there are any, and nothing is decided by them."""

    title: str
    folder: str
    sample: tuple[Sampled, ...]
    assurance: None = None

    def decide(self, outcomes: Sequence[bool]) -> Decision:
        checked, defects = len(outcomes), sum(outcomes)
        share, left = defects / checked if checked else None, float(len(self.sample) - checked)
        return Decision("open", checked, defects, share, 0.0, 1.0, left)

    def is_closed(self, store: Store) -> bool:
        return False
