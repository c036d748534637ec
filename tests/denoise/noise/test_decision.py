"""What follows from opinions on a row: kept as it was meant, relabelled, held or rejected."""

from __future__ import annotations

import random

import numpy as np
import pytest

from denoise.noise.calibration import NONE, PAIR, Calibration, Evidence, numbers_of, seed_calibration
from denoise.noise.decision import decide, keepable, noise_of

LABELS = ["a", "b", "c"]
PLAIN = Calibration((1.0,), 0.0)


def evidence(rows: list[tuple[float, ...]], intended: list[int]) -> Evidence:
    return Evidence((np.array(rows),), np.array(intended))


def outcomes(of: Evidence, target: float, calibration: Calibration = PLAIN) -> list[tuple[str, str | None, str | None]]:
    ids = [f"r{number}" for number in range(len(of))]
    return [(each.status, each.label, each.reason) for each in decide(of, ids, LABELS, calibration, target)]


def test_the_cleanest_rows_are_kept_up_to_the_noise_asked_for() -> None:
    rows = evidence(
        [(0.98, 0.01, 0.01), (0.04, 0.95, 0.01), (0.9, 0.06, 0.04), (0.3, 0.6, 0.1), (0.4, 0.35, 0.25)], [0, 0, 0, 1, 1]
    )
    assert outcomes(rows, 0.06) == [
        ("accepted", "a", None),
        ("relabelled", "b", "label_disagrees"),
        ("accepted", "a", None),
        ("held", "b", "judge_unsure"),
        ("rejected", "b", "label_disagrees"),
    ]
    assert [status for status, *_ in outcomes(rows, 0.15)] == [
        "accepted",
        "relabelled",
        "accepted",
        "accepted",
        "rejected",
    ]
    assert [status for status, *_ in outcomes(rows, 1.0)][4] == "relabelled"
    assert [status for status, *_ in outcomes(rows, 0.0)] == ["held", "held", "held", "held", "rejected"]


def test_scores_and_weights() -> None:
    kept, held = decide(evidence([(0.9, 0.1, 0.0), (0.2, 0.6, 0.2)], [0, NONE]), ["1", "2"], LABELS, PLAIN, 0.2)
    assert kept.scores == pytest.approx(
        {"judge_confidence": 0.9, "judge_margin": 0.8, "judge_intended": 0.9, "label_wrong": 0.1}, abs=1e-5
    )
    assert kept.weight == pytest.approx(0.81, abs=1e-5)
    assert (held.status, held.label, held.reason) == ("held", None, "judge_unsure")
    assert held.scores == pytest.approx({"judge_confidence": 0.6, "judge_margin": 0.4, "label_wrong": 0.4}, abs=1e-5)
    assert held.weight == 0


def test_a_row_made_for_no_label_takes_the_likeliest() -> None:
    assert outcomes(evidence([(0.1, 0.8, 0.1)], [NONE]), 0.3) == [("accepted", "b", None)]


def test_the_intended_label_counts() -> None:
    rows = evidence([(0.4, 0.5, 0.1)], [0])
    assert outcomes(rows, 1.0) == [("relabelled", "b", "label_disagrees")]
    assert outcomes(rows, 1.0, Calibration((1.0,), 1.0)) == [("accepted", "a", None)]
    assert outcomes(evidence([(0.4, 0.4, 0.2)], [1]), 1.0) == [("accepted", "b", None)]


def test_a_label_without_seeds_is_kept_unless_the_judge_is_sure_of_another() -> None:
    rows = evidence([(0.6, 0.4, 0.0), (0.97, 0.03, 0.0), (0.3, 0.7, 0.0)], [2, 2, 1])
    assert outcomes(rows, 0.01) == [
        ("accepted", "c", None),
        ("relabelled", "a", "label_disagrees"),
        ("held", "b", "judge_unsure"),
    ]


def test_the_order_of_rows_does_not_matter() -> None:
    draw = np.random.default_rng(0)
    rows, intended = draw.dirichlet([0.3] * 3, 50), draw.integers(3, size=50)
    rows[10:20] = rows[0]  # equal rows go by id
    intended[10:20] = intended[0]
    ids = [f"r{number:02d}" for number in range(50)]
    found = dict(zip(ids, decide(Evidence((rows,), intended), ids, LABELS, PLAIN, 0.1), strict=True))
    order = random.Random(1).sample(range(50), 50)
    moved = [ids[place] for place in order]
    again = decide(Evidence((rows,), intended).chosen(np.array(order)), moved, LABELS, PLAIN, 0.1)
    assert [each.status for each in again] == [found[id].status for id in moved]


def test_keepable() -> None:
    assert keepable(np.array([0.3, 0.0, 0.1]), ["1", "2", "3"], 0.05).tolist() == [False, True, True]
    assert keepable(np.array([0.1, 0.1]), ["2", "1"], 0.05).tolist() == [False, False]
    assert keepable(np.zeros(0), [], 0.05).tolist() == []


def test_the_noise_of_what_is_kept() -> None:
    told = noise_of([0.02, 0.08])
    assert told.share == pytest.approx(0.05)
    assert (told.low, told.high) == pytest.approx((0.0013, 0.1765), abs=1e-4)
    audited = noise_of([0.02, 0.08], [True] * 30 + [False] * 150)
    assert audited.share == pytest.approx(31 / 200)
    assert audited.low > 0.1
    assert audited.high - audited.low < told.high - told.low
    assert noise_of([]).share == 0


def test_bad_input_is_refused() -> None:
    with pytest.raises(ValueError, match=r"of shape \(1, 3\)"):
        decide(Evidence((np.zeros((1, 2)),), np.array([0])), ["1"], LABELS, PLAIN, 0.1)
    with pytest.raises(ValueError, match="finite"):
        decide(evidence([(np.nan, 0.5, 0.5)], [0]), ["1"], LABELS, PLAIN, 0.1)
    assert decide(Evidence((np.zeros((0, 3)),), np.zeros(0, int)), [], LABELS, PLAIN, 0.1) == []


def test_known_rows_move_the_calibration_from_where_it_was() -> None:
    """A judge that is too sure: of rows it gives .95, seven in ten are right."""
    draw = np.random.default_rng(0)
    true = draw.integers(3, size=400)
    guess = np.where(draw.random(400) < 0.7, true, (true + 1) % 3)
    sure = Evidence((0.925 * np.eye(3)[guess] + 0.025,), np.full(400, NONE))
    few, many = (PLAIN.fitted([(sure.chosen(np.arange(n)), true[:n], 1.0)]) for n in (5, 400))
    assert PLAIN.fitted([]) == PLAIN
    assert abs(few.trust[0] - 1) < 0.35
    assert many.probabilities(sure).max(axis=1).mean() == pytest.approx(0.7, abs=0.03)
    assert many.intended == pytest.approx(0.0)
    meant = Evidence(sure.opinions, true)  # the labels asked for are always right here
    assert PLAIN.fitted([(meant, true, 1.0)]).intended > 2


def test_seeds_say_how_far_both_opinions_are_trusted() -> None:
    true = np.arange(60) % 3
    said = 0.4 * np.eye(3)[true] + 0.2
    right, wrong = seed_calibration(said, true), seed_calibration(said, (true + np.arange(60) % 2) % 3)
    assert right.trust[0] > PAIR.trust[0] > wrong.trust[0] > 0
    assert right.trust[1] - PAIR.trust[1] == pytest.approx(right.trust[0] - PAIR.trust[0], abs=1e-3)
    assert right.intended == wrong.intended == PAIR.intended
    assert seed_calibration(np.zeros((0, 3)), np.zeros(0, int)) == PAIR


def test_labels_are_numbered() -> None:
    assert numbers_of(["b", None, "a"], LABELS).tolist() == [1, NONE, 0]
    with pytest.raises(ValueError, match=r"among \['a', 'b', 'c'\]; got \['d'\]"):
        numbers_of(["d"], LABELS)
