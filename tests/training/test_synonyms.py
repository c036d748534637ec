"""Words near a word in the embedded encoder's vocabulary."""

from __future__ import annotations

from pathlib import Path

import pytest

from training.encoder import Encoder
from training.synonyms import NEIGHBOURS, Synonyms


@pytest.fixture(scope="module")
def synonyms(minilm: Path) -> Synonyms:
    return Synonyms(Encoder.load(minilm))


def test_the_nearest_words(synonyms: Synonyms) -> None:
    found = synonyms.of("money")
    assert len(found) == NEIGHBOURS
    assert "money" not in found
    assert "cash" in found


def test_case_and_punctuation_around_a_word_do_not_matter(synonyms: Synonyms) -> None:
    assert synonyms.of("Money,") == synonyms.of("money")


@pytest.mark.parametrize("word", ["the", "because", "qzxv", "...", ""])
def test_stop_words_and_unknown_ones_have_none(synonyms: Synonyms, word: str) -> None:
    assert synonyms.of(word) == []
