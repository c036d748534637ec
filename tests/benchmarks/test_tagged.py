"""Planted errors in tags, and seeds with each slot."""

from __future__ import annotations

import pytest
from noises.span_cells import PLANTED, plant
from noises.tagged import SHOTS, draw_seeds, spans_of

from denoise.noise.tagging import Tagged

TAGS = [["O", "B-a", "I-a", "I-a", "O", "B-b"], ["O", "O"], ["B-b", "B-b", "I-b"]] * 100


@pytest.mark.parametrize("kind", PLANTED)
def test_a_tenth_of_the_rows_get_one_error(kind: str) -> None:
    found, wrong = plant(TAGS, ["a", "b"], kind)
    assert 10 <= wrong.sum() <= 30
    assert [one != other for one, other in zip(found, TAGS, strict=True)] == wrong.tolist()
    assert not wrong[1::3].any()
    for tags, own in ((found[place], TAGS[place]) for place in range(300) if wrong[place]):
        gone, new = spans_of(own) - spans_of(tags), spans_of(tags) - spans_of(own)
        if kind == "span dropped":
            assert (len(gone), new) == (1, set())
        elif kind == "other slot":
            assert [each[1:] for each in gone] == [each[1:] for each in new]
        else:
            assert {each[0] for each in gone} >= {each[0] for each in new} and len(new) >= 1
    assert plant(TAGS, ["a", "b"], kind)[0] == found


def test_seeds_have_each_slot() -> None:
    rows = Tagged([[str(place)] * len(tags) for place, tags in enumerate(TAGS)], TAGS)
    chosen = draw_seeds(rows, ["a", "b", "none"])
    assert len(chosen) == len(set(chosen.tolist())) == SHOTS
    assert all("B-a" in TAGS[place] for place in chosen)
