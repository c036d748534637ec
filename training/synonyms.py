"""Words near a word: the nearest in an encoder's own word embeddings, since WordNet is not at hand offline."""

from __future__ import annotations

import string
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import sklearn.feature_extraction.text

from training.encoder import Encoder

NEIGHBOURS = 5
STOP_WORDS = frozenset(sklearn.feature_extraction.text.ENGLISH_STOP_WORDS)


@dataclass(frozen=True)
class Synonyms:
    """The nearest whole words of an encoder's vocabulary."""

    encoder: Encoder
    _found: dict[str, list[str]] = field(default_factory=dict)

    def of(self, word: str) -> list[str]:
        """Up to NEIGHBOURS words, the nearest first; none for a word that the vocabulary does not have."""
        plain = word.lower().strip(string.punctuation)
        if plain not in self._places or plain in STOP_WORDS:
            return []
        if plain not in self._found:
            self._found[plain] = self._nearest(self._places[plain])
        return self._found[plain]

    def _nearest(self, place: int) -> list[str]:
        order = np.argsort(-(self._vectors @ self._vectors[place]))[: NEIGHBOURS + 1]
        return [self._words[near] for near in order if near != place][:NEIGHBOURS]

    @cached_property
    def _words(self) -> list[str]:
        vocabulary = self.encoder.tokenizer.tokenizer.get_vocab()
        return sorted(word for word in vocabulary if word.isalpha() and word.isascii() and len(word) > 2)

    @cached_property
    def _places(self) -> dict[str, int]:
        return {word: place for place, word in enumerate(self._words)}

    @cached_property
    def _vectors(self) -> np.ndarray:
        vocabulary = self.encoder.tokenizer.tokenizer.get_vocab()
        table = self.encoder.model.get_input_embeddings().weight.detach().numpy()
        vectors = table[[vocabulary[word] for word in self._words]]
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
