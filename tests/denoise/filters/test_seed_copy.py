from __future__ import annotations

import pytest

from denoise.filters.seed_copy import SeedCopy
from tests.denoise.cases import draft

SEEDS = ["I left my library card on the bus this morning", "Card gone", "When do you close on Sundays?"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("i LEFT my library card, on the bus this morning!", "copies_seed"),
        ("I left my library card on the bus this evening", "copies_seed"),  # 8 of 10 bigrams
        ("I left a library card on the bus this evening", None),  # 6 of 12
        ("Hello. When do you close on Sundays? And on what other days of the week?", "copies_seed"),
        ("gone card", "copies_seed"),  # two words, compared as words
        ("the card gone astray was mine", None),  # holds a seed too short to count
        ("When do you close on Sundaysish days or not", None),
        ("something else", None),
    ],
)
def test_reasons(text: str, reason: str | None) -> None:
    assert SeedCopy.of(SEEDS, 0.7).reason(draft(text)) == reason


def test_the_threshold_itself_is_a_copy() -> None:
    text = draft("I left my library card on the bus this evening")
    assert SeedCopy.of(SEEDS, 0.8).reason(text) == "copies_seed"
    assert SeedCopy.of(SEEDS, 0.81).reason(text) is None


def test_without_seeds_nothing_is_a_copy() -> None:
    assert SeedCopy.of([], 0.7).reason(draft("Card gone")) is None
