"""The seeds that are most like a row."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

COUNT = 4
MOST_CHARACTERS = 2000  # of a text that are looked at
_FEATURES = 20_000

Embed = Callable[[Sequence[str]], np.ndarray]  # texts -> float [n, d], rows of length 1


class Seed(NamedTuple):
    """A text that a person wrote, under its label."""

    text: str
    label: str


class NearestSeeds:
    """By character n-grams weighted by TF-IDF; by meaning as soon as `load`, tried in the background, gives an encoder.

    What was found for a text is remembered.
    """

    def __init__(self, seeds: Sequence[Seed], load: Callable[[], Embed] | None = None) -> None:
        self.seeds = list(seeds)
        if self.seeds:
            self._use(_by_letters([seed.text for seed in self.seeds]))
        if self.seeds and load is not None:
            threading.Thread(target=self._improve, args=(load,), name="labelmill-encoder", daemon=True).start()

    def of(self, text: str) -> list[tuple[Seed, float]]:
        """Up to COUNT seeds with their cosine similarity, the most similar first."""
        return self._found(text[:MOST_CHARACTERS]) if self.seeds else []

    def _use(self, embed: Embed) -> None:
        vectors = embed([seed.text[:MOST_CHARACTERS] for seed in self.seeds])

        @lru_cache(4096)
        def found(text: str) -> list[tuple[Seed, float]]:
            similar = vectors @ embed([text])[0]
            order = np.argsort(-similar, kind="stable")[:COUNT]
            return [(self.seeds[place], float(similar[place])) for place in order]

        self._found = found

    def _improve(self, load: Callable[[], Embed]) -> None:
        self._use(load())


def _by_letters(texts: Sequence[str]) -> Embed:
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), max_features=_FEATURES, dtype=np.float32)
    vectorizer.fit([*texts, "seeds"])  # one text of letters there must be
    return lambda some: vectorizer.transform(some).toarray()
