"""How words are tagged elsewhere: a form that others tag otherwise is doubtful here."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from generation.kinds.spans import word_spans

TRUST = 2.0  # elsewheres that the tagger's own opinion is worth

Form = tuple[str, ...]


class Gazetteer:
    """The forms that are spans in some row: of which slots, and how often they stand in any; case does not count."""

    def __init__(self, rows: Sequence[Sequence[str]], tags: Sequence[Sequence[str]]) -> None:
        self._spans: dict[Form, Counter[str]] = defaultdict(Counter)
        self._seen = Counter[Form]()
        for words, told in zip(rows, tags, strict=True):
            for slot, start, end in word_spans(told):
                self._spans[form_of(words[start:end])][slot] += 1
        longest = max(map(len, self._spans), default=0)
        for words in rows:
            self._seen.update(form for form in _runs(form_of(words), longest) if form in self._spans)

    def agreement(self, words: Sequence[str], slot: str, expected: float) -> float:
        """The share of other places where the words of a span stand that are spans of the same slot, 0-1.

        One place, where they are such a span, is this one. `expected` is what the tagger says of it; it counts as TRUST
        places, so that of a form that stands nowhere else it is the answer.
        """
        form = form_of(words)
        same, seen = self._spans[form][slot] - 1, self._seen[form] - 1
        return (same + TRUST * expected) / (seen + TRUST)


def form_of(words: Sequence[str]) -> Form:
    """How a gazetteer writes them."""
    return tuple(word.lower() for word in words)


def _runs(words: Form, longest: int) -> Iterator[Form]:
    for start in range(len(words)):
        for end in range(start + 1, min(start + longest, len(words)) + 1):
            yield words[start:end]
