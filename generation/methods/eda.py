"""Easy data augmentation (Wei & Zou 2019): a text with a few words replaced, inserted, swapped or deleted.

No LM is asked. Synonyms are the encoder's (training/synonyms.py), not WordNet's.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from generation.material import Material
from generation.methods.base import Ask, Method, Need
from generation.task import Label

SHARE = 0.1  # of a text's words
TRIES = 8  # until a text comes out that the wave does not have

Synonyms = Callable[[str], Sequence[str]]


@dataclass(frozen=True)
class Eda(Method):
    """Each example in turn, changed by each operation in turn."""

    name: ClassVar[str] = "eda"
    summary: ClassVar[str] = "examples with words replaced, inserted, swapped or deleted"
    paper: ClassVar[str] = "Wei & Zou 2019"
    cost: ClassVar[str] = "no tokens"
    templates: ClassVar[Mapping[str, str]] = {"completion": "", "chat": ""}
    needs: ClassVar[frozenset[Need]] = frozenset({"kept", "synonyms"})
    rewrites: ClassVar[bool] = True
    needs_seeds: ClassVar[bool] = True
    is_literal: ClassVar[bool] = True

    def asks(self, material: Material, label: Label, count: int) -> Sequence[Ask]:
        examples, draw = material.examples_of(label.name), material.draw(label.name)
        known = {example.text for example in examples}
        asks = []
        for number in range(count if examples else 0):
            example = examples[number % len(examples)]
            operation = turn_of(number, len(examples))
            for _ in range(TRIES):
                text = change(example.text, operation, draw, lambda word: material.synonyms.get(word, ()))
                if text not in known:
                    break
            known.add(text)
            asks.append(Ask(text, (example.id,), {"operation": operation}))
        return asks


def turn_of(number: int, examples: int) -> str:
    """The operation of the number-th change where `examples` take turns: each of them meets all operations."""
    return list(OPERATIONS)[(number // examples + number % examples) % len(OPERATIONS)]


def change(text: str, operation: str, draw: random.Random, synonyms: Synonyms) -> str:
    """`text` with a tenth of its words, at least one, changed by one of OPERATIONS."""
    words = text.split()
    return " ".join(OPERATIONS[operation](words, max(1, round(SHARE * len(words))), draw, synonyms))


def _replace(words: list[str], count: int, draw: random.Random, synonyms: Synonyms) -> list[str]:
    changed = list(words)
    known = [place for place, word in enumerate(words) if synonyms(word)]
    for place in draw.sample(known, min(count, len(known))):
        changed[place] = draw.choice(synonyms(words[place]))
    return changed


def _insert(words: list[str], count: int, draw: random.Random, synonyms: Synonyms) -> list[str]:
    changed = list(words)
    known = [word for word in words if synonyms(word)]
    for _ in range(count if known else 0):
        changed.insert(draw.randrange(len(changed) + 1), draw.choice(synonyms(draw.choice(known))))
    return changed


def _swap(words: list[str], count: int, draw: random.Random, synonyms: Synonyms) -> list[str]:
    changed = list(words)
    for _ in range(count if len(words) > 1 else 0):
        one, other = draw.sample(range(len(changed)), 2)
        changed[one], changed[other] = changed[other], changed[one]
    return changed


def _delete(words: list[str], count: int, draw: random.Random, synonyms: Synonyms) -> list[str]:
    """Each word with probability SHARE, but never all."""
    kept = [word for word in words if draw.random() >= SHARE]
    return kept or [draw.choice(words)]


OPERATIONS: Mapping[str, Callable[[list[str], int, random.Random, Synonyms], list[str]]] = {
    "replace": _replace,
    "insert": _insert,
    "swap": _swap,
    "delete": _delete,
}
