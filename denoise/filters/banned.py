"""Strings that the user does not want to see."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from denoise.filters.base import Draft


@dataclass(frozen=True)
class Banned:
    """`banned`: holds one of `generation.banned` as whole words, in any case, spacing and width of letters.

    A string that begins or ends with a sign may stand right beside a word there.
    """

    strings: re.Pattern[str]

    @classmethod
    def of(cls, banned: Sequence[str]) -> Banned:
        """The filter for one or more strings."""
        return cls(re.compile("|".join(_whole(_plain(text)) for text in banned), re.IGNORECASE))

    def reason(self, draft: Draft) -> str | None:
        return "banned" if self.strings.search(_plain(draft.text)) else None


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text)


def _whole(text: str) -> str:
    before = r"(?<!\w)" if re.match(r"\w", text) else ""
    after = r"(?!\w)" if re.search(r"\w$", text) else ""
    return before + r"\s+".join(map(re.escape, text.split())) + after
