"""How words are tagged elsewhere: a form that others tag otherwise is doubtful here."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

import numpy as np

from generation.kinds.spans import OUTSIDE, word_spans

TRUST = 2.0  # elsewheres that the tagger's own opinion is worth

Form = tuple[str, ...]
_NONE = Counter[str]()


class Gazetteer:
    """The forms that are spans in some row: of which slots, and how often they stand in any; case does not count."""

    def __init__(self, rows: Sequence[Sequence[str]], tags: Sequence[Sequence[str]]) -> None:
        self._spans: dict[Form, Counter[str]] = defaultdict(Counter)
        self._seen = Counter[Form]()
        self._longest = 0
        for words, told in zip(rows, tags, strict=True):
            for slot, start, end in word_spans(told):
                self._spans[form_of(words[start:end])][slot] += 1
                self._longest = max(self._longest, end - start)
        for words in rows:
            self._seen.update(form for _, _, form in self._forms(words))

    def agreement(self, words: Sequence[str], slot: str, expected: float) -> float:
        """The share of other places where the words of a span stand that are spans of the same slot, 0-1.

        One place, where they are such a span, is this one. `expected` is what the tagger says of it; it counts as TRUST
        places, so that of a form that stands nowhere else it is the answer.
        """
        form = form_of(words)
        same, seen = self._spans.get(form, _NONE)[slot] - 1, self._seen[form] - 1
        return (same + TRUST * expected) / (seen + TRUST)

    def outside(self, words: Sequence[str], tags: Sequence[str], expected: np.ndarray) -> np.ndarray:
        """How far other places agree that each untagged word of a row is outside of all spans, float64 [words], 0-1.

        The share of other places where a form that it stands in, all of it untagged, is not a span; the least of
        several forms; 1 for a word of no form that is a span anywhere. `expected` as above, for each word.
        """
        found = np.ones(len(words))
        for start, end, form in self._forms(words):
            if any(tag != OUTSIDE for tag in tags[start:end]):
                continue
            likely = float(np.exp(np.log(np.maximum(expected[start:end], 1e-9)).mean()))
            seen, plain = self._seen[form] - 1, self._seen[form] - self._spans[form].total() - 1
            share = (max(plain, 0) + TRUST * likely) / (seen + TRUST)
            found[start:end] = np.minimum(found[start:end], share)
        return found

    def _forms(self, words: Sequence[str]) -> Iterator[tuple[int, int, Form]]:
        """Where in a row the forms stand."""
        told = form_of(words)
        for start in range(len(told)):
            for end in range(start + 1, min(start + self._longest, len(told)) + 1):
                if told[start:end] in self._spans:
                    yield start, end, told[start:end]


def form_of(words: Sequence[str]) -> Form:
    """How a gazetteer writes them."""
    return tuple(word.lower() for word in words)
