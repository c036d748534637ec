"""Whether there is a whole text at all."""

from __future__ import annotations

from dataclasses import dataclass

from denoise.filters.base import Draft

REASONS = ("empty", "truncated")


@dataclass(frozen=True)
class Parse:
    """`empty`: nothing but space and punctuation. `truncated`: the token limit cut the text off."""

    def reason(self, draft: Draft) -> str | None:
        if not draft.words:
            return "empty"
        return "truncated" if draft.finish_reason == "length" else None
