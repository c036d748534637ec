"""Doubts about the spans of many rows: a tagger learns from seeds, other rows and other folds, and is asked of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from denoise.noise.folds import fold_of
from denoise.noise.gazetteer import Gazetteer
from denoise.noise.span_doubt import RowDoubts, row_doubts
from denoise.noise.word_heads import Projection, out_of_fold_tags, with_neighbours
from generation.kinds.spans import tag_columns

SEED_WEIGHT = 20.0  # what a word of a seed counts beside one of a generated row
MOST_WORDS = 50_000  # that are learnt from together; more rows are shared out

WordStates = Callable[[Sequence[Sequence[str]]], list[np.ndarray]]  # float32 [words, d] of each row of words


class Tagged(NamedTuple):
    """Words and BIO tags of rows."""

    words: Sequence[Sequence[str]]
    tags: Sequence[Sequence[str]]

    def at(self, places: np.ndarray) -> Tagged:
        """Some of the rows."""
        return Tagged([self.words[place] for place in places], [self.tags[place] for place in places])


NOBODY = Tagged((), ())


def find_doubts(
    ids: Sequence[str],
    rows: Tagged,
    slots: Sequence[str],
    states_of: WordStates,
    seeds: Tagged = NOBODY,
    earlier: Tagged = NOBODY,
) -> list[RowDoubts]:
    """One RowDoubts a row, in their order, by `ask_tagger` and a gazetteer of all rows."""
    chances = ask_tagger(ids, rows, slots, states_of, seeds, earlier)
    known = [*zip(*seeds, strict=True), *zip(*earlier, strict=True), *zip(*rows, strict=True)]
    gazetteer, columns = Gazetteer([words for words, _ in known], [tags for _, tags in known]), tag_columns(slots)
    return [row_doubts(words, tags, told, columns, gazetteer) for words, tags, told in zip(*rows, chances, strict=True)]


def ask_tagger(
    ids: Sequence[str],
    rows: Tagged,
    slots: Sequence[str],
    states_of: WordStates,
    seeds: Tagged = NOBODY,
    earlier: Tagged = NOBODY,
) -> list[np.ndarray]:
    """What a tagger that has not seen a row says of its words, float32 [words, columns of `slots`], in rows' order.

    It learns from `seeds`, each word at SEED_WEIGHT, from `earlier` rows, of which those beyond MOST_WORDS are left
    out, and from the other folds of `rows`, into which these fall by their `ids`. No order of rows matters.
    """
    if not len(ids):
        return []
    columns = tag_columns(slots)
    earlier = earlier.at(np.arange(len(_within(earlier.words, MOST_WORDS))))
    known = Tagged([*seeds.words, *earlier.words], [*seeds.tags, *earlier.tags])
    weights = np.repeat([SEED_WEIGHT, 1.0], [sum(map(len, each.words)) for each in (seeds, earlier)])
    anchors = _Words.of(known, columns, states_of)
    found: dict[int, np.ndarray] = {}
    order = np.array(sorted(range(len(ids)), key=lambda place: ids[place]))
    for places in np.array_split(order, 1 + sum(map(len, rows.words)) // MOST_WORDS):
        asked = _ask(rows.at(places), [ids[place] for place in places], columns, states_of, anchors, weights)
        found |= dict(zip(places.tolist(), asked, strict=True))
    return [found[place] for place in range(len(ids))]


class _Words(NamedTuple):
    """Words of rows one after another: states [w, d] and tag numbers [w]; words of each row."""

    states: np.ndarray
    targets: np.ndarray
    lengths: np.ndarray

    @classmethod
    def of(cls, rows: Tagged, columns: Sequence[str], states_of: WordStates) -> _Words:
        numbers = {name: place for place, name in enumerate(columns)}
        targets = np.array([numbers[tag] for tags in rows.tags for tag in tags], np.int64)
        states = states_of(rows.words)
        joined = np.concatenate(states) if states else np.zeros((0, 0), np.float32)
        return cls(joined, targets, np.array([len(words) for words in rows.words], np.int64))

    def features(self, projection: Projection) -> np.ndarray:
        return with_neighbours(projection(self.states), self.lengths)


def _ask(
    rows: Tagged,
    ids: Sequence[str],
    columns: Sequence[str],
    states_of: WordStates,
    anchors: _Words,
    weights: np.ndarray,
) -> list[np.ndarray]:
    """Probabilities of each row's words, float32 [words, columns]."""
    words = _Words.of(rows, columns, states_of)
    projection = Projection.of(words.states)
    features = words.features(projection)
    known = anchors.features(projection) if len(weights) else features[:0]
    folds = np.repeat(fold_of(ids), words.lengths)
    asked = out_of_fold_tags(features, words.targets, folds, len(columns), (known, anchors.targets, weights))
    return np.split(asked, np.cumsum(words.lengths)[:-1])


def _within(rows: Sequence[Sequence[str]], most: int) -> Sequence[Sequence[str]]:
    """The first rows that have `most` words together."""
    return rows[: int(np.searchsorted(np.cumsum([len(words) for words in rows]), most, side="right"))]
