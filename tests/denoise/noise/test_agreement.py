from __future__ import annotations

import numpy as np
import pytest

from denoise.noise.agreement import Agreement, above_chance, agreements
from denoise.settings import DenoiseSettings

SETTINGS = DenoiseSettings(accept=0.25, relabel=0.625)  # of three labels: probabilities of .5 and .75


@pytest.mark.parametrize(
    ("intended", "probabilities", "expected"),
    [
        ("a", (0.5, 0.25, 0.25), ("accepted", "a", None)),
        ("a", (0.4375, 0.375, 0.1875), ("rejected", "a", "judge_unsure")),
        ("a", (0.125, 0.75, 0.125), ("relabelled", "b", "label_disagrees")),
        ("a", (0.25, 0.625, 0.125), ("rejected", "a", "label_disagrees")),
        ("b", (0.5, 0.5, 0.0), ("accepted", "b", None)),
        (None, (0.125, 0.125, 0.75), ("accepted", "c", None)),
        (None, (0.25, 0.125, 0.625), ("rejected", None, "judge_unsure")),
    ],
)
def test_outcomes(intended: str | None, probabilities: tuple[float, ...], expected: tuple[str, str, str]) -> None:
    (found,) = agreements([intended], np.array([probabilities]), ["a", "b", "c"], SETTINGS)
    assert (found.status, found.label, found.reason) == expected


def test_scores() -> None:
    probabilities = np.array([[0.25, 0.625, 0.125], [0.125, 0.125, 0.75]])
    disagreed, unlabelled = agreements(["a", None], probabilities, ["a", "b", "c"], SETTINGS)
    scores = {"judge_confidence": 0.625, "judge_margin": 0.375, "judge_intended": 0.25}
    assert disagreed == Agreement("rejected", "a", "label_disagrees", scores)
    assert unlabelled.scores == {"judge_confidence": 0.75, "judge_margin": 0.625}


def test_a_label_without_seeds_is_kept_unless_the_judge_is_sure_of_another() -> None:
    probabilities = np.array([[0.6, 0.4, 0.0], [0.95, 0.05, 0.0], [0.3, 0.7, 0.0]])
    found = agreements(["c", "c", "b"], probabilities, ["a", "b", "c"], SETTINGS)
    assert [(each.status, each.label) for each in found] == [("accepted", "c"), ("relabelled", "a"), ("accepted", "b")]
    sure = agreements(["c"], np.array([[0.85, 0.15, 0.0]]), ["a", "b", "c"], DenoiseSettings(relabel=0.1))
    assert sure[0].status == "accepted"


def test_a_row_counts_by_the_square_of_the_confidence_in_its_label() -> None:
    probabilities = np.array([[0.5, 0.5, 0.0], [0.25, 0.75, 0.0], [0.4, 0.6, 0.0], [0.25, 0.75, 0.0]])
    found = agreements(["a", "a", "a", "c"], probabilities, ["a", "b", "c"], SETTINGS)
    assert [each.status for each in found] == ["accepted", "relabelled", "rejected", "accepted"]
    assert [each.weight for each in found] == [0.25, 0.5625, 0.0, 0.0625]


@pytest.mark.parametrize("labels", [2, 3, 150])
def test_the_default_bars_mean_the_same_for_any_number_of_labels(labels: int) -> None:
    names = [str(label) for label in range(labels)]
    for share, outcome in ((0.1, "rejected"), (0.3, "accepted")):
        best = above_chance(share, labels)
        row = np.array([best, *[(1 - best) / (labels - 1)] * (labels - 1)])
        assert agreements(["0"], row[None], names, DenoiseSettings())[0].status == outcome
    for share, outcome in ((0.4, "rejected"), (0.5, "relabelled")):
        best = above_chance(share, labels)
        row = np.array([best, *[(1 - best) / (labels - 1)] * (labels - 1)])
        assert agreements(["1"], row[None], names, DenoiseSettings())[0].status == outcome


def test_no_rows() -> None:
    assert agreements([], np.zeros((0, 2)), ["a", "b"], SETTINGS) == []


def test_bad_input_is_refused() -> None:
    with pytest.raises(ValueError, match=r"of shape \(1, 2\); got \(1, 3\)"):
        agreements(["a"], np.zeros((1, 3)), ["a", "b"], SETTINGS)
    with pytest.raises(ValueError, match="finite"):
        agreements(["a"], np.array([[np.nan, 1.0]]), ["a", "b"], SETTINGS)
    with pytest.raises(ValueError, match=r"among \['a', 'b'\]; got \['c'\]"):
        agreements(["c"], np.array([[0.5, 0.5]]), ["a", "b"], SETTINGS)
