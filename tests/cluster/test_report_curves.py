"""Measures by round: their values, and where they go on paper."""

from __future__ import annotations

from typing import Any

import pytest

from cluster.report_curves import Curve, Line, Value, chart_of, curves_of

ROUND: dict[str, Any] = {
    "round": 0,
    "accepted": {"a": 3, "b": 1},
    "tokens": {"prompt": 100, "output": 60, "lost": None},
    "cost": {"total": 0.2, "per_accepted_row": 0.05},
    "diversity": {"all": {"distinct_2": 0.5, "similarity": 0.25, "vendi": None}},
    "noise": {"share": 0.1, "low": 0.05, "high": 0.2, "rows": 9},
    "test": {"rows": 100, "student": {"accuracy": 0.5}, "baselines": {"x": {"accuracy": 0.4}, "y": {"accuracy": 0.6}}},
}


def test_values_by_round() -> None:
    bare = {"round": 1, "accepted": {}, "tokens": {"prompt": 9}, "test": None}
    audited = [{"round": 1, "share": 0.03, "low": 0.01, "high": 0.08}]
    found = {
        curve.title: {line.name: line.values for line in curve.lines} for curve in curves_of([ROUND, bare], audited)
    }
    accuracy = found.pop("Accuracy on the test texts")
    assert accuracy["best baseline"] == (Value(0, 0.6),)
    assert accuracy["student"][0][:2] == (0, 0.5)
    assert accuracy["student"][0][2:] == pytest.approx((0.4038, 0.5962), abs=1e-4)
    assert found == {
        "Wrong labels among kept rows": {
            "by people": (Value(1, 0.03, 0.01, 0.08),),
            "by the judge": (Value(0, 0.1, 0.05, 0.2),),
        },
        "Distinct 2-grams": {"": (Value(0, 0.5),)},
        "Mean similarity": {"": (Value(0, 0.25),)},
        "Tokens per accepted row": {"": (Value(0, 40.0),)},
        "Cost per accepted row": {"": (Value(0, 0.05),)},
    }  # fmt: skip
    assert curves_of([]) == curves_of([{}]) == ()


def test_one_round_is_a_point_in_the_middle() -> None:
    chart = chart_of(Curve("t", "share", (Line("", (Value(3, 0.5, 0.45, 0.55),)),)))
    assert [(tick.at, tick.value) for tick in chart.rounds] == [(137.0, 3)]
    (mark,) = chart.lines[0].marks
    assert (mark.x, mark.y, mark.low, mark.high) == (137.0, 86.0, 160.0, 12.0)
    assert [tick.value for tick in chart.ticks] == pytest.approx([0.45, 0.475, 0.5, 0.525, 0.55])


@pytest.mark.parametrize("values", [(0.0,), (1.0, 1.0), (-1.0,), (12_345.0, 67_890.0), (1e-9, 2e-9)])
def test_ticks_hold_all_values(values: tuple[float, ...]) -> None:
    chart = chart_of(Curve("t", "number", (Line("", tuple(Value(n, value) for n, value in enumerate(values))),)))
    ticks = [tick.value for tick in chart.ticks]
    assert 2 <= len(ticks) <= 7
    assert ticks[0] <= min(values) and max(values) <= ticks[-1]
    assert all(12 <= mark.y <= 160 for mark in chart.lines[0].marks)


def test_a_small_change_looks_small() -> None:
    chart = chart_of(Curve("t", "count", (Line("", (Value(0, 163.4), Value(1, 164.2))),)))
    assert [tick.value for tick in chart.ticks] == [155, 160, 165, 170, 175]
    shares = chart_of(Curve("t", "share", (Line("", (Value(0, 1.0),)),)))
    assert shares.ticks[-1].value == 1.0


def test_names_of_lines_that_end_alike_stand_apart() -> None:
    lines = (Line("a", (Value(0, 0.5), Value(1, 0.5))), Line("b", (Value(0, 0.1), Value(1, 0.51))))
    first, second = chart_of(Curve("t", "share", lines)).lines
    assert first.told - second.told == pytest.approx(28)
    assert first.path == "60.0,36.7 214.0,36.7"


def test_hundred_rounds_have_twelve_names_at_most() -> None:
    chart = chart_of(Curve("t", "count", (Line("", tuple(Value(n, n) for n in range(100))),)))
    assert [tick.value for tick in chart.rounds] == list(range(0, 100, 9))
