"""Looping text: the commonest way in which a small LM goes wrong."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

from denoise.filters.base import Draft, ngrams

_RUN = 4


@dataclass(frozen=True)
class Repetition:
    """`repetitive`: more than `most` of the word trigrams occurred before in the text, or a word four times running."""

    most: float

    def reason(self, draft: Draft) -> str | None:
        trigrams = ngrams(draft.words, 3)
        repeated = len(trigrams) - len(set(trigrams))
        if repeated > self.most * len(trigrams):
            return "repetitive"
        longest = max((len(list(run)) for _, run in groupby(draft.words)), default=0)
        return "repetitive" if longest >= _RUN else None
