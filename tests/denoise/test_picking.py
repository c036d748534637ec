"""Which rows of a pool are picked, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from denoise.picking import Candidates, pick, shares_of

MIX = {"random": 0.25, "uncertain": 0.25, "disagrees": 0.25, "novel": 0.25}


def rows(count: int, sources: Sequence[str] | None = None, **changes: Any) -> Candidates:
    """Row i: key as i is, margin falls, distance rises with i; vectors on a circle."""
    places = np.arange(count)
    angles = places / count * np.pi
    made: dict[str, Any] = {
        "keys": places.astype(float),
        "margins": 1 - places / count,
        "disagreements": np.zeros(count),
        "distances": places / count,
        "inside": np.ones(count, bool),
        "sources": sources or ["a"] * count,
        "vectors": np.column_stack([np.cos(angles), np.sin(angles)]),
    }
    return Candidates(**made | changes)


def why(found: Mapping[int, str]) -> dict[str, list[int]]:
    return {reason: [place for place, each in found.items() if each == reason] for reason in dict.fromkeys([*MIX])}


def test_each_reason_has_its_share() -> None:
    disagreements = np.zeros(100)
    disagreements[[40, 50, 60]] = [0.3, 0.9, 0.5]
    found = why(pick(rows(100, disagreements=disagreements), 8, MIX))
    assert found["random"] == [0, 1]
    assert found["uncertain"] == [99, 98]
    assert found["disagrees"] == [50, 60]
    assert found["novel"][0] == 97 and len(found["novel"]) == 2
    # not the next one on the circle: what was picked is known from then on
    assert found["novel"][1] < 90


def test_counts_add_up() -> None:
    assert shares_of(10, MIX) == {"random": 2, "uncertain": 2, "disagrees": 2, "novel": 4}
    assert shares_of(7, {"random": 0.5, "uncertain": 0.5}) == {"random": 3, "uncertain": 4, "disagrees": 0, "novel": 0}


def test_what_disagreement_leaves_is_filled() -> None:
    found = pick(rows(100), 20, MIX)
    assert Counter(found.values()) == {"random": 5, "uncertain": 5, "novel": 10}
    assert len(pick(rows(6), 20, MIX)) == 6


def test_out_of_scope_rows_are_only_drawn() -> None:
    found = pick(rows(100, inside=np.arange(100) < 50), 12, MIX)
    assert all(place < 50 for place in found)
    drawn = pick(rows(100, inside=np.arange(100) >= 50), 12, MIX)
    assert [place for place in drawn if place < 50] == [0, 1, 2]


def test_no_source_has_more_than_its_part() -> None:
    sources = ["loud"] * 80 + [f"quiet {place}" for place in range(20)]
    found = pick(rows(100, sources, margins=np.arange(100) / 100), 20, MIX, most=7)
    assert Counter(sources[place].split()[0] for place in found)["loud"] == 7
    assert len(found) == 20


def test_the_draw_is_not_held_to_the_part() -> None:
    found = pick(rows(100, keys=np.arange(100)[::-1].astype(float)), 20, {"random": 1.0}, most=3)
    assert list(found) == [*range(99, 79, -1)]


def test_of_near_twins_one_is_picked() -> None:
    found = why(pick(rows(100, twins={99: [98], 98: [99]}), 8, {"uncertain": 1.0}))
    assert found["uncertain"][:2] == [99, 97]
