"""Taggers on made-up states of words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression

from denoise.noise.span_doubt import MISSING, SLOT
from denoise.noise.tagging import Tagged, find_doubts
from denoise.noise.word_heads import Projection, fit_word_heads, out_of_fold_tags, tag_probabilities, with_neighbours

VOCABULARY = ("to", "at", "in", "Rome", "Oslo", "Bonn", "six", "noon", "five")
SLOTS = ("city", "time")
KINDS = {"Rome": "city", "Oslo": "city", "Bonn": "city", "six": "time", "noon": "time", "five": "time"}


def states_of(rows: Sequence[Sequence[str]]) -> list[np.ndarray]:
    """A direction for each word, and a common one for words of the same slot."""
    directions = np.eye(len(VOCABULARY) + 2, dtype=np.float32)
    found = []
    for words in rows:
        own = np.stack([directions[VOCABULARY.index(word)] for word in words])
        own += np.stack([2 * directions[-1 - SLOTS.index(KINDS[w])] if w in KINDS else 0 * own[0] for w in words])
        found.append(own)
    return found


def row(text: str) -> tuple[list[str], list[str]]:
    words = text.split()
    return words, [f"B-{KINDS[word]}" if word in KINDS else "O" for word in words]


TEXTS = [f"{a} {city} {b} {time}" for a in ("to", "in") for city in ("Rome", "Oslo", "Bonn") for b in ("at", "in")
         for time in ("six", "noon", "five")]  # fmt: skip
ROWS = Tagged(*map(list, zip(*map(row, TEXTS), strict=True)))
IDS = [f"r{place:02d}" for place in range(len(TEXTS))]
WRONG, MISSED = 7, 20


def planted() -> Tagged:
    """One span of another slot, and one that nobody tagged."""
    tags = [list(each) for each in ROWS.tags]
    tags[WRONG][1], tags[MISSED][3] = "B-time", "O"
    return Tagged(ROWS.words, tags)


def test_planted_errors_are_the_most_doubted() -> None:
    found = find_doubts(IDS, planted(), SLOTS, states_of)
    order = sorted(range(len(found)), key=lambda place: found[place].sureness)
    assert set(order[:2]) == {WRONG, MISSED}
    assert (found[WRONG].reason, found[MISSED].reason) == (SLOT, MISSING)
    assert found[order[2]].sureness > 2 * max(found[WRONG].sureness, found[MISSED].sureness)


def test_the_order_of_rows_does_not_matter() -> None:
    order = np.random.default_rng(0).permutation(len(IDS))
    shuffled = find_doubts([IDS[place] for place in order], planted().at(order), SLOTS, states_of)
    assert shuffled == [find_doubts(IDS, planted(), SLOTS, states_of)[place] for place in order]


def test_a_single_row_is_held_against_seeds_or_earlier_rows() -> None:
    lone = planted().at(np.array([WRONG]))
    for known in ({"seeds": ROWS}, {"earlier": ROWS}):
        assert find_doubts(["x"], lone, SLOTS, states_of, **known)[0].reason == SLOT
    unknown = find_doubts(["x"], lone, SLOTS, states_of)[0]
    # nothing is known: each of five tags alike
    assert (unknown.slot, unknown.missing) == (pytest.approx(0.4), pytest.approx(np.sqrt(0.2)))
    assert find_doubts([], Tagged((), ()), SLOTS, states_of) == []


def test_heads_are_logistic_regressions() -> None:
    draw = np.random.default_rng(1)
    features = draw.normal(size=(60, 4)).astype(np.float32)
    targets, weights = draw.integers(0, 3, 60), draw.random((2, 60))
    heads = fit_word_heads(features, targets, weights, 3, strength=0.5)
    for head, own in zip(heads, weights, strict=True):
        peer = LogisticRegression(C=0.5, tol=1e-8, max_iter=1000).fit(features, targets, own)
        assert tag_probabilities(head, features) == pytest.approx(peer.predict_proba(features), abs=2e-3)


def test_what_a_row_says_of_its_own_words_does_not_count() -> None:
    features = np.array([[1.0], [1.0], [-1.0]], np.float32)
    none = features[:0], np.zeros(0, np.int64), np.zeros(0)
    found = out_of_fold_tags(features, np.array([0, 0, 1]), np.array([0, 1, 2]), 2, none, strength=10.0)
    # the last word's fold knows of tag 0 alone
    assert found[2, 0] > 0.95
    assert out_of_fold_tags(features[:0], none[1], none[1], 2, none).shape == (0, 2)


def test_neighbours_stay_within_their_row() -> None:
    states = np.array([[1.0], [2.0], [3.0]], np.float32)
    assert with_neighbours(states, [2, 0, 1]).tolist() == [[1, 0, 2], [2, 1, 0], [3, 0, 0]]


def test_a_projection_keeps_what_varies_most() -> None:
    wide = np.random.default_rng(2).normal(size=(200, 2)) @ np.array([[1.0, 1.0, 0.0], [0.0, 0.1, 1.0]])
    projected = Projection.of(wide, 2)(wide)
    assert projected.shape == (200, 2)
    assert projected.var(axis=0).mean() == pytest.approx(1, abs=1e-3)


def test_softmax_of_unseen_words_is_a_distribution() -> None:
    head = np.array([[1.0, -1.0], [0.5, 0.0]], np.float32)
    features = np.array([[2.0]], np.float32)
    assert tag_probabilities(head, features) == pytest.approx(softmax(np.array([[2.5, -2.0]]), axis=1))
