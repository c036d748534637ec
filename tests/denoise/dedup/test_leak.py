from __future__ import annotations

from denoise.dedup.leak import near_duplicates_between

TEXTS = ["Where is my library card?", "where is my library card", "Where is my library cards", "ok", "a fee of mine"]


def test_rows_that_stand_in_the_other_set_are_counted() -> None:
    assert near_duplicates_between(TEXTS, ["Where is my library card!", "something else", "OK"], 0.6) == 4
    assert near_duplicates_between(TEXTS, ["Where is my library card!", "something else", "OK"], 0.99) == 3


def test_likeness_within_a_set_does_not_count() -> None:
    assert near_duplicates_between(TEXTS, ["another thing", "another thing"], 0.6) == 0
    assert near_duplicates_between([], ["x"], 0.6) == near_duplicates_between(["x"], [], 0.6) == 0
    assert near_duplicates_between([], [], 0.6) == 0
