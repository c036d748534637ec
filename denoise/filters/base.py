"""What a filter sees of a row, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True)
class Draft:
    """A generated text as filters see it.

    `normal` is its normal form (denoise.normal), `words` are its words, `attributes` what it was asked for.
    """

    text: str
    normal: str
    finish_reason: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    words: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "words", tuple(self.normal.split()))


class Filter(Protocol):
    """A rule on single rows."""

    def reason(self, draft: Draft) -> str | None:
        """Why the row goes, or None: it stays."""


def ngrams(words: tuple[str, ...], n: int) -> list[str]:
    """Runs of n words, in order; [] for a shorter text."""
    return [" ".join(words[start : start + n]) for start in range(len(words) - n + 1)]
