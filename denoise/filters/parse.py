"""Whether there is a whole text at all."""

from __future__ import annotations

from dataclasses import dataclass

from denoise.filters.base import Draft
from generation.forms.base import MALFORMED

REASONS = (MALFORMED, "empty", "truncated")


@dataclass(frozen=True)
class Parse:
    """Why there is no whole text.

    `malformed`: the answer was not of the form asked for. `empty`: nothing but space and punctuation. `truncated`: the
    token limit cut the text off.
    """

    def reason(self, draft: Draft) -> str | None:
        if draft.finish_reason == MALFORMED:
            return MALFORMED
        if not draft.words:
            return "empty"
        return "truncated" if draft.finish_reason == "length" else None
