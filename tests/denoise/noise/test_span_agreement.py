"""What follows from doubts about spans."""

from __future__ import annotations

from denoise.noise.span_agreement import ENOUGH_ROWS, known_slots, slots_of, span_agreements
from denoise.noise.span_doubt import RowDoubts
from denoise.noise.tagging import Tagged

DOUBTS = [RowDoubts(0.9, 0.8, 0.7), RowDoubts(0.1, 0.8, 0.7), RowDoubts(0.9, 0.2, 0.7), RowDoubts(0.9, 0.8, 0.29)]


def outcomes(least: float, known: set[str], slots: tuple[str, ...] = ("city",)) -> list[tuple[str, str | None, float]]:
    found = span_agreements(["city"] * 4, DOUBTS, [slots] * 4, known, least)
    assert {each.label for each in found} == {"city"}
    return [(each.status, each.reason, each.weight) for each in found]


def test_the_worst_of_a_row_holds_it() -> None:
    assert outcomes(0.3, {"city"}) == [
        ("accepted", None, 1.0),
        ("held", "span_slot_doubted", 0.0),
        ("held", "span_boundary", 0.0),
        ("held", "span_missing", 0.0),
    ]
    found = span_agreements(["city"], [RowDoubts(1 / 3, 0.5, 1)], [()], (), 0.0)[0]
    assert found.scores == {"span_slot": 0.3333, "span_boundary": 0.5, "span_missing": 1}


def test_by_default_and_with_slots_that_nobody_knows_nothing_is_held() -> None:
    accepted = [("accepted", None, 1.0)] * 4
    assert outcomes(0.0, {"city"}) == accepted
    assert outcomes(0.3, {"city"}, ("city", "time")) == accepted


def test_a_slot_is_known_from_a_seed_or_from_many_rows() -> None:
    assert slots_of(("O", "B-city", "I-city", "B-time")) == {"city", "time"}
    seeds = Tagged([["Rome"]], [["B-city"]])
    half = Tagged([["six"]] * (ENOUGH_ROWS // 2), [["B-time"]] * (ENOUGH_ROWS // 2))
    assert known_slots(seeds, (half,)) == {"city"}
    assert known_slots(seeds, (half, half)) == {"city", "time"}
