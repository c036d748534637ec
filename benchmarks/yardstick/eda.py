"""Easy data augmentation (Wei & Zou 2019) of the seeds: the free way to more text.

Replacement, insertion, swap and deletion, each touching a tenth of the words. WordNet is not at hand offline: in its
place a word's synonyms are the vocabulary words nearest to it in the encoder's own word embeddings.
"""

from __future__ import annotations

import random
import string
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import sklearn.feature_extraction.text

from generation.task import Example
from training.encoder import Encoder

SHARE = 0.1
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


def augment(
    seeds: Sequence[Example], per_label: int, synonyms: Callable[[str], list[str]], seed: int = 0
) -> list[Example]:
    """About `per_label` new texts of each label: its seeds in turn, each changed by one of the four operations."""
    draw = random.Random(seed)
    rows = []
    for label in dict.fromkeys(str(example.label) for example in seeds):
        own = [example for example in seeds if example.label == label]
        for number in range(per_label):
            words = own[number % len(own)].text.split()
            operation = (_replace, _insert, _swap, _delete)[(number // len(own) + number % len(own)) % 4]
            rows.append(Example(" ".join(operation(words, max(1, round(SHARE * len(words))), draw, synonyms)), label))
    return rows


Change = Callable[[str], list[str]]


def _replace(words: list[str], count: int, draw: random.Random, synonyms: Change) -> list[str]:
    changed = list(words)
    known = [place for place, word in enumerate(words) if synonyms(word)]
    for place in draw.sample(known, min(count, len(known))):
        changed[place] = draw.choice(synonyms(words[place]))
    return changed


def _insert(words: list[str], count: int, draw: random.Random, synonyms: Change) -> list[str]:
    changed = list(words)
    known = [word for word in words if synonyms(word)]
    for _ in range(count if known else 0):
        changed.insert(draw.randrange(len(changed) + 1), draw.choice(synonyms(draw.choice(known))))
    return changed


def _swap(words: list[str], count: int, draw: random.Random, synonyms: Change) -> list[str]:
    changed = list(words)
    for _ in range(count if len(words) > 1 else 0):
        one, other = draw.sample(range(len(changed)), 2)
        changed[one], changed[other] = changed[other], changed[one]
    return changed


def _delete(words: list[str], count: int, draw: random.Random, synonyms: Change) -> list[str]:
    """Each word with probability SHARE, but never all."""
    kept = [word for word in words if draw.random() >= SHARE]
    return kept or [draw.choice(words)]
