"""Where a temperature goes, and that it settles."""

from __future__ import annotations

import pytest

from generation.decoding.steer import Measured, next_temperature


def good(temperature: float) -> Measured:
    return Measured(temperature, 100, 80, 0.95)


def wrong(temperature: float) -> Measured:
    return Measured(temperature, 100, 50, 0.95)


def alike(temperature: float) -> Measured:
    return Measured(temperature, 100, 80, 0.85)


def test_it_stays_where_all_is_well_and_where_nothing_is_known() -> None:
    assert next_temperature(0.9, []) == 0.9
    assert next_temperature(0.9, [good(0.9), good(0.9)]) == 0.9
    assert next_temperature(0.9, [Measured(0.9, 15, 0, 0.95)]) == 0.9  # few
    assert next_temperature(0.9, [Measured(0.9, 100, 50, 0.5)]) == 0.9  # no temperature mends both
    assert next_temperature(0.9, [Measured(0.9, 100, 80, None)]) == 0.9


@pytest.mark.parametrize(("judged", "agreed", "expected"), [(16, 10, 1.0), (16, 9, 0.8), (400, 265, 0.8)])
def test_a_shortfall_must_exceed_its_standard_error(judged: int, agreed: int, expected: float) -> None:
    assert next_temperature(1.0, [Measured(1.0, judged, agreed, None)]) == expected


def test_one_side_alone_moves_it_by_a_step() -> None:
    assert next_temperature(1.0, [wrong(1.0)]) == 0.8
    assert next_temperature(1.0, [wrong(1.0), wrong(1.0)]) == 0.8  # the second was asked before the first was judged
    assert next_temperature(1.0, [wrong(1.0), wrong(1.0), wrong(0.8)]) == 0.6
    assert next_temperature(1.0, [wrong(1.0), good(0.8), good(0.8)]) == 0.8
    assert next_temperature(1.0, [alike(1.0)]) == 1.2


def test_both_sides_close_in_and_it_settles() -> None:
    assert next_temperature(1.0, [wrong(1.0), alike(0.8)]) == 0.9
    assert next_temperature(1.0, [wrong(1.0), alike(0.8), wrong(0.9)]) == 0.85
    assert next_temperature(1.0, [wrong(1.0), alike(0.8), wrong(0.9), alike(0.85)]) == 0.875


def test_contradictions_end_in_the_middle() -> None:
    told = [wrong(0.8), alike(1.0)]
    assert next_temperature(1.0, told) == 0.9
    assert next_temperature(1.0, [*told, wrong(0.9), alike(0.9)]) == 0.9


@pytest.mark.parametrize("worst", [wrong, alike])
def test_it_never_turns_back_and_keeps_to_its_limits(worst: object) -> None:
    waves: list[Measured] = []
    path = [1.0]
    for _ in range(12):
        waves.append(worst(path[-1]))  # type: ignore[operator]
        path.append(next_temperature(1.0, waves))
    assert path == sorted(path, reverse=worst is wrong)
    assert path[-1] == (0.3 if worst is wrong else 1.5)


def test_a_start_outside_the_limits_is_not_pushed_the_wrong_way() -> None:
    assert next_temperature(0.2, [wrong(0.2)]) == 0.2
    assert next_temperature(2.0, [alike(2.0)]) == 2.0
    assert next_temperature(2.0, [wrong(2.0)]) == 1.8
