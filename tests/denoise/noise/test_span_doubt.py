"""Doubts about spans from hand-made probabilities."""

from __future__ import annotations

import numpy as np
import pytest

from denoise.noise.gazetteer import Gazetteer
from denoise.noise.span_doubt import BOUNDARY, MISSING, SLOT, RowDoubts, SpanDoubt, row_doubts

COLUMNS = ("O", "B-city", "I-city", "B-time", "I-time")
WORDS = ("to", "New", "York", "at", "six")
TAGS = ("O", "B-city", "I-city", "O", "B-time")
ALONE = Gazetteer([WORDS], [TAGS])  # nothing stands elsewhere
SURE = np.array(
    [
        [1.0, 0, 0, 0, 0],
        [0, 1.0, 0, 0, 0],
        [0, 0, 1.0, 0, 0],
        [1.0, 0, 0, 0, 0],
        [0, 0, 0, 1.0, 0],
    ]
)


def doubts(changes: dict[int, list[float]], tags: tuple[str, ...] = TAGS, gazetteer: Gazetteer = ALONE) -> RowDoubts:
    chances = SURE.copy()
    for word, row in changes.items():
        chances[word] = row
    return row_doubts(WORDS, tags, chances, COLUMNS, gazetteer)


def test_nothing_is_doubted_where_the_tagger_says_the_same() -> None:
    found = doubts({})
    assert (found.slot, found.boundary, found.missing, found.sureness) == (1, 1, 1, 1)
    assert [(each.reason, each.slot, each.start, each.end) for each in found.doubts] == [
        (SLOT, "city", 1, 3),
        (BOUNDARY, "city", 1, 3),
        (SLOT, "time", 4, 5),
        (BOUNDARY, "time", 4, 5),
    ]


def test_a_span_that_looks_like_another_slot() -> None:
    found = doubts({4: [0.75, 0.09, 0, 0.16, 0]})
    # alone in its form, it agrees as far as the tagger expects: the root of .16 * .16
    assert (found.reason, found.sureness) == (SLOT, pytest.approx(0.16))
    assert SpanDoubt(SLOT, "city", 1, 3, 1.0) in found.doubts


def test_a_span_is_as_likely_as_the_geometric_mean_of_its_words() -> None:
    assert doubts({1: [0.75, 0.25, 0, 0, 0]}).slot == pytest.approx(0.5)


def test_a_form_that_others_tag_otherwise_is_doubted() -> None:
    other = (("SIX",), ("six",), ("six",), ("at", "six"))
    tags = (("O",), ("B-time",), ("O",), ("O", "B-city"))
    found = doubts({}, gazetteer=Gazetteer([WORDS, *other], [TAGS, *tags]))
    # one of four others agrees, and the tagger counts as two that do
    assert (found.slot, found.reason) == (pytest.approx(np.sqrt(3 / 6)), SLOT)


def test_a_span_that_ends_too_early_or_begins_within_another() -> None:
    early = doubts({2: [0, 0, 0.96, 0.04, 0]}, ("O", "B-city", "O", "O", "B-time"))
    assert (early.boundary, early.missing) == (pytest.approx(0.2), 0)
    late = doubts({2: [0, 0.36, 0.64, 0, 0]}, ("O", "O", "B-city", "O", "B-time"))
    assert late.boundary == pytest.approx(0.6)
    assert next(each for each in late.doubts if each.reason == MISSING) == SpanDoubt(MISSING, "city", 1, 2, 0)


def test_untagged_words_that_look_like_slots() -> None:
    nothing = ("O",) * 5
    found = doubts({1: [0.25, 0.75, 0, 0, 0], 4: [0.64, 0, 0, 0.36, 0]}, nothing, Gazetteer([WORDS], [nothing]))
    assert (found.slot, found.boundary, found.reason) == (1, 1, MISSING)
    # "six" is more likely outside than not, and is not pointed at
    assert found.doubts == (SpanDoubt(MISSING, "city", 1, 3, 0.0),)


def test_a_gazetteer_reads_whole_forms() -> None:
    rows = (("New", "York"), ("new", "york", "pizza"), ("York",))
    gazetteer = Gazetteer(rows, [("B-city", "I-city"), ("B-dish", "I-dish", "I-dish"), ("O",)])
    assert gazetteer.agreement(("New", "York"), "city", 0.5) == pytest.approx((0 + 1) / (1 + 2))
    assert gazetteer.agreement(("new", "york", "pizza"), "dish", 0.5) == 0.5


def test_untagged_words_that_others_tag() -> None:
    gazetteer = Gazetteer(
        [WORDS, ("six",), ("six",), ("SIX", "at")], [("O",) * 5, ("B-time",), ("O",), ("B-city", "O")]
    )
    expected = np.array([1.0, 0.9, 0.8, 1.0, 0.5])
    # "six" is no span in one of three other places, and the tagger counts as two that are half of that opinion
    assert gazetteer.outside(WORDS, ("O",) * 5, expected).tolist() == [1, 1, 1, 1, (1 + 2 * 0.5) / (3 + 2)]
    assert gazetteer.outside(WORDS, TAGS, expected).tolist() == [1] * 5
    assert gazetteer.outside(("a", "six"), ("O", "O"), np.ones(2)).tolist() == [1, (1 + 2) / (3 + 2)]


def test_a_row_without_words_has_no_doubts() -> None:
    assert row_doubts((), (), np.zeros((0, 5)), COLUMNS, ALONE) == RowDoubts()
