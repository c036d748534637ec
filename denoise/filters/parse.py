"""Whether there is a whole text at all."""

from __future__ import annotations

from dataclasses import dataclass

from denoise.filters.base import Draft
from generation.kinds.base import REASONS as UNREADABLE

REASONS = (*UNREADABLE, "empty", "truncated")


@dataclass(frozen=True)
class Parse:
    """Why there is no whole text.

    `malformed`, `unknown_slot`, `lacks_slot`: the answer was not of the form asked for. `empty`: nothing but space and
    punctuation. `truncated`: the token limit cut the text off.
    """

    def reason(self, draft: Draft) -> str | None:
        if draft.finish_reason in UNREADABLE:
            return draft.finish_reason
        if not draft.words:
            return "empty"
        return "truncated" if draft.finish_reason == "length" else None
