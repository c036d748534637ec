"""Stand-ins for a person who checks rows with several labels or tags: trained on all real rows, on a frozen encoder."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.preprocessing import MultiLabelBinarizer
from yardstick.kinds import KindSplit

from generation.kinds.base import Kind
from generation.kinds.spans import spans_of_tokens
from generation.task import Example
from training.encoder import Encoder

OUTSIDE = "O"


@dataclass(frozen=True)
class Check:
    """Of one row: how many of its labels or spans the oracle sees too, and whether it sees the same and no other."""

    seen: int
    of: int
    exact: bool


class Oracle(Protocol):
    """Holds rows against what it has learnt."""

    def checks(self, examples: Sequence[Example]) -> list[Check]: ...


def make_oracle(split: KindSplit, encoder: Encoder) -> Oracle:
    """The oracle of a split's kind."""
    made = {"multi_label": LabelsOracle, "tags": TagsOracle}[split.kind.name]
    return made(split.kind, split.train, encoder)


class LabelsOracle:
    """A logistic regression for each label, on a text's embedding."""

    def __init__(self, kind: Kind, train: Sequence[Example], encoder: Encoder) -> None:
        self._kind, self._encoder = kind, encoder
        self._sets = MultiLabelBinarizer().fit([kind.labels])
        targets = self._sets.transform([kind.names_of(each) for each in train])
        self._model = OneVsRestClassifier(LogisticRegression(C=10.0, max_iter=500)).fit(self._vectors(train), targets)

    def checks(self, examples: Sequence[Example]) -> list[Check]:
        found = self._sets.inverse_transform(self._model.predict(self._vectors(examples)))
        pairs = zip(examples, map(set, found), strict=True)
        return [_check(set(self._kind.names_of(each)), seen) for each, seen in pairs]

    def _vectors(self, examples: Sequence[Example]) -> np.ndarray:
        return self._encoder.embed([each.text for each in examples])


class TagsOracle:
    """A logistic regression on each token's last hidden state; a span is of the slot that most of its tokens are of."""

    def __init__(self, kind: Kind, train: Sequence[Example], encoder: Encoder) -> None:
        self._encoder = encoder
        states = np.concatenate([self._states(each.tokens) for each in train])
        slots = [_slot(tag) for each in train for tag in each.tags]
        self._model = LogisticRegression(C=1.0, max_iter=500).fit(states, slots)

    def checks(self, examples: Sequence[Example]) -> list[Check]:
        return [self._check(each) for each in examples]

    def _check(self, example: Example) -> Check:
        found = list(self._model.predict(self._states(example.tokens)))
        own = [_slot(tag) for tag in example.tags]
        spans = spans_of_tokens(example.tokens, example.tags)
        seen = sum(_majority(found, example.tokens, span.start, span.end) == span.slot for span in spans)
        return Check(seen, len(spans), found == own)

    @torch.inference_mode()
    def _states(self, tokens: Sequence[str]) -> np.ndarray:
        """The mean state of each token's pieces, float32 [tokens, d]; zeros for one that is cut off."""
        encoded = self._encoder.tokenizer.tokenizer(
            list(tokens), is_split_into_words=True, truncation=True, return_tensors="pt"
        )
        hidden = self._encoder.model(**encoded).last_hidden_state[0].numpy()
        states = np.zeros((len(tokens), hidden.shape[1]), np.float32)
        words = np.array([-1 if word is None else word for word in encoded.word_ids()])
        for word in range(len(tokens)):
            if (words == word).any():
                states[word] = hidden[words == word].mean(0)
        return states


def _check(own: set[str], found: set[str]) -> Check:
    return Check(len(own & found), len(own), own == found)


def _slot(tag: str) -> str:
    return tag if tag == OUTSIDE else tag[2:]


def _majority(found: Sequence[str], tokens: Sequence[str], start: int, end: int) -> str:
    """The commonest slot of the tokens between two characters of the tokens joined by spaces."""
    place, inside = 0, []
    for token, slot in zip(tokens, found, strict=True):
        if start <= place < end:
            inside.append(slot)
        place += len(token) + 1
    return Counter(inside).most_common(1)[0][0]
