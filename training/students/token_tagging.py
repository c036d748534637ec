"""A student that tags the words of a text (BIO): its spans fill slots."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from torch import Tensor
from transformers import AutoModelForTokenClassification

from generation.kinds.spans import OUTSIDE, tag_columns
from training.job import TrainingRow
from training.packing import Packed
from training.students.network import Encoded, Input, Network
from training.word_states import word_pieces

_WORD = re.compile(r"\w+(?:[-'’.]\w+)*|[^\w\s]")


class TokenTagger(Network):
    """`AutoModelForTokenClassification`; a word is tagged at its first piece (Devlin et al. 2019).

    Words of which nothing is left at the longest length get no logits: they are outside of all spans.
    """

    auto: ClassVar[Any] = AutoModelForTokenClassification
    unit: ClassVar[str] = "word"

    @staticmethod
    def columns_of(labels: Sequence[str]) -> list[str]:
        return tag_columns(labels)

    @property
    def labels(self) -> list[str]:
        """The slots."""
        return [name[2:] for name in self.columns if name.startswith("B-")]

    def forward(self, batch: Packed, marks: Tensor) -> Tensor:
        """Logits [words, tags]."""
        if not self.tokenizer.shared_rows:
            return self.model(**batch.plain_inputs()).logits.flatten(0, 1)[marks]
        return self.model.classifier(self._hidden(batch, marks))

    def targets(self, row: TrainingRow, encoded: Encoded) -> list[int]:
        return [self.columns.index(row.tags[word]) for word in encoded.units]

    def input_of(self, row: TrainingRow) -> Input:
        return row.tokens or row.text

    def encode(self, inputs: Sequence[Input]) -> list[Encoded]:
        """Words may be given; a plain text is cut into them, punctuation apart."""
        words = [split_words(each) if isinstance(each, str) else list(each) for each in inputs]
        if not words:
            return []
        read = self.tokenizer.tokenizer(
            [" ".join(each) for each in words], truncation=True, return_offsets_mapping=True
        )
        pairs = zip(read["input_ids"], read["offset_mapping"], words, strict=True)
        return [Encoded(ids, *_first_pieces(offsets, each)) for ids, offsets, each in pairs]


def split_words(text: str) -> list[str]:
    """The words of a plain text; punctuation stands apart, but not inside a word."""
    return _WORD.findall(text)


def best_tags(scores: np.ndarray, columns: Sequence[str]) -> list[int]:
    """The likeliest sequence of tags in which each I- follows its own B- or I-: numbers of columns, one a word.

    `scores` float [words, tags] are log-probabilities or logits.
    """
    if not len(scores):
        return []
    allowed = np.array([[_follows(before, after) for after in columns] for before in columns])
    barred = np.where(allowed, 0.0, -np.inf)
    best = scores[0] + barred[columns.index(OUTSIDE)]
    came_from = []
    for row in scores[1:]:
        paths = best[:, None] + barred
        came_from.append(paths.argmax(axis=0))
        best = paths.max(axis=0) + row
    tags = [int(best.argmax())]
    for origin in reversed(came_from):
        tags.append(int(origin[tags[-1]]))
    return tags[::-1]


def _follows(before: str, after: str) -> bool:
    return not after.startswith("I-") or before in (f"B-{after[2:]}", after)


def _first_pieces(offsets: Sequence[tuple[int, int]], words: Sequence[str]) -> tuple[list[int], list[int]]:
    """The first piece of each word that has one, and the word's number."""
    first: dict[int, int] = {}
    for piece, word in word_pieces(offsets, words):
        first.setdefault(word, piece)
    return list(first.values()), list(first)
