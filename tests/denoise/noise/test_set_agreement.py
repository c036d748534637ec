from __future__ import annotations

import numpy as np
import pytest

from denoise.noise.agreement import Agreement
from denoise.noise.set_agreement import set_agreements
from denoise.settings import DenoiseSettings

SETTINGS = DenoiseSettings(accept=0.2, relabel=0.5)  # probabilities of .6 and .75
LABELS, TARGETS = ["a", "b", "c"], ("a", "a+b", "b", "c")


def opinion(intended: str | None, *row: float) -> Agreement:
    """One row beside another, in which every label is known."""
    return set_agreements([intended, "a"], np.array([row, (0.5, 0.5, 0.5)]), LABELS, TARGETS, SETTINGS)[0]


@pytest.mark.parametrize(
    ("intended", "row", "expected"),
    [
        ("a", (0.7, 0.4, 0.1), ("accepted", "a", None)),
        ("a+b", (0.7, 0.6, 0.45), ("accepted", "a+b", None)),
        ("a+b", (0.9, 0.55, 0.1), ("rejected", "a+b", "judge_unsure")),
        # one label too few, or too many, or another: relabelled where it is sure, and the set is asked for
        ("a", (0.8, 0.75, 0.1), ("relabelled", "a+b", "labels_added")),
        ("a", (0.8, 0.7, 0.1), ("rejected", "a", "labels_added")),
        ("a+b", (0.75, 0.25, 0.1), ("relabelled", "a", "labels_missing")),
        ("a+b", (0.75, 0.3, 0.1), ("rejected", "a+b", "labels_missing")),
        ("a", (0.2, 0.9, 0.1), ("relabelled", "b", "label_disagrees")),
        ("a", (0.4, 0.9, 0.1), ("rejected", "a", "label_disagrees")),
        ("b", (0.1, 0.9, 0.9), ("rejected", "b", "labels_added")),  # nobody asks for b+c
        ("a", (0.1, 0.1, 0.1), ("rejected", "a", "labels_missing")),
        (None, (0.8, 0.9, 0.1), ("accepted", "a+b", None)),
        (None, (0.7, 0.1, 0.1), ("rejected", None, "judge_unsure")),
        (None, (0.1, 0.1, 0.1), ("rejected", None, "judge_unsure")),
    ],
)
def test_outcomes(intended: str | None, row: tuple[float, ...], expected: tuple[str, str, str]) -> None:
    found = opinion(intended, *row)
    assert (found.status, found.label, found.reason) == expected


def test_a_set_is_as_sure_as_its_least_likely_label() -> None:
    accepted, relabelled = opinion("a+b", 0.9, 0.8, 0.25), opinion("a+b", 0.75, 0.125, 0.25)
    assert accepted.scores == {"judge_confidence": 0.8, "judge_margin": 0.5, "judge_intended": 0.8}
    assert relabelled.scores == {"judge_confidence": 0.75, "judge_margin": 0.5, "judge_intended": 0.125}
    assert (accepted.weight, relabelled.weight) == (pytest.approx(0.64), 0.5625)


def test_labels_that_nobody_asked_for_and_the_judge_does_not_see_take_nothing_away() -> None:
    many = [f"l{number}" for number in range(60)]
    row = np.full((1, 60), 0.45)
    row[0, 0] = 0.7
    assert set_agreements(["l0"], row, many, ["l0"], SETTINGS)[0].weight == pytest.approx(0.49)


def test_a_set_with_a_label_without_seeds_is_kept_unless_the_judge_is_sure_of_more() -> None:
    rows = np.array([[0.2, 0.85, 0.0], [0.2, 0.95, 0.0], [0.7, 0.2, 0.0]])
    found = set_agreements(["a+c", "a+c", "a"], rows, LABELS, [*TARGETS, "a+c"], SETTINGS)
    assert [(each.status, each.label, each.reason) for each in found] == [
        ("accepted", "a+c", None),
        ("rejected", "a+c", "labels_added"),
        ("accepted", "a", None),
    ]
    assert found[0].weight == pytest.approx(0.15**2)


def test_mistakes() -> None:
    with pytest.raises(ValueError, match=r"finite and of shape \(1, 3\); got \(1, 2\)"):
        set_agreements(["a"], np.zeros((1, 2)), LABELS, TARGETS, SETTINGS)
    with pytest.raises(ValueError, match=r"must be among \['a', 'b', 'c'\]; got \['d'\]"):
        set_agreements(["a+d"], np.zeros((1, 3)), LABELS, TARGETS, SETTINGS)
