"""Labels that a student gets wrong, and those that it takes for one another."""

from __future__ import annotations

import pytest

from training.measures.answers import Counts
from training.measures.weakness import confused_pairs, label_errors

GOLD = ["a"] * 6 + ["b"] * 4 + ["c"] * 2
FOUND = ["a"] * 4 + ["b"] * 2 + ["b"] * 4 + ["b", "c"]


def counts(gold: list[str], found: list[str]) -> Counts:
    answers = [[frozenset({(label,)}) for label in each] for each in (gold, found)]
    return Counts.of(answers[0], answers[1], ["a", "b", "c"])


def test_errors_lean_on_those_of_all_labels() -> None:
    # wrong of wanted and given: a 2 of 10, b 3 of 11, c 1 of 3; all 6 of 24
    expected = {"a": 3 / 14, "b": 4 / 15, "c": 2 / 7}
    assert label_errors(counts(GOLD, FOUND)) == pytest.approx(expected, abs=1e-6)


def test_a_label_that_nobody_asked_about_is_as_hard_as_the_others() -> None:
    assert label_errors(counts(["a", "b"], ["a", "a"])) == {"a": 0.428571, "b": 0.6, "c": 0.5}
    assert label_errors(counts([], [])) == {}


def test_pairs_either_way() -> None:
    assert confused_pairs(GOLD, FOUND) == [("a", "b", 2), ("b", "c", 1)]
    assert confused_pairs(["a", "b", "c"], ["b", "a", "c"]) == [("a", "b", 2)]
    assert confused_pairs(["a"], ["a"]) == []
