"""Length in words."""

from __future__ import annotations

from dataclasses import dataclass

from denoise.filters.base import Draft


@dataclass(frozen=True)
class Length:
    """`too_short` below `least` words, `too_long` above `most`."""

    least: int
    most: int

    def reason(self, draft: Draft) -> str | None:
        if len(draft.words) < self.least:
            return "too_short"
        return "too_long" if len(draft.words) > self.most else None
