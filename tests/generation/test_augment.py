"""Which labels need help, and how much of a wave it brings."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pytest

from generation.augment import flat_labels, join_plans, share_counts
from generation.records import REQUEST_SCHEMA, requests_table


def variety(texts: Sequence[str]) -> float:
    return len(set(texts)) / len(texts)


SEEDS = {"pos": ["a", "b", "c"], "neg": ["d", "e"]}


def test_a_label_less_varied_than_its_seeds_is_flat() -> None:
    accepted = {"pos": ["x", "x", "y"], "neg": ["v", "w"]}
    assert flat_labels(accepted, SEEDS, variety) == {"pos"}


def test_texts_are_compared_at_equal_numbers() -> None:
    # of six different texts said twice, groups of three hold no repetition
    accepted = {"pos": ["r", "s", "t", "u", "v", "w"] * 2, "neg": ["x", "x"]}
    assert flat_labels(accepted, SEEDS, variety) == {"neg"}
    # fewer texts than seeds: as many seeds are compared; what is left over of whole groups does not count
    assert flat_labels({"pos": ["x", "y"], "neg": ["v", "w", "v"]}, SEEDS, variety) == frozenset()


@pytest.mark.parametrize("accepted", [{}, {"pos": []}, {"pos": ["x"]}, {"odd": ["x", "x"]}])
def test_too_few_texts_tell_nothing(accepted: dict[str, list[str]]) -> None:
    assert flat_labels(accepted, SEEDS, variety) == frozenset()


def test_a_share_of_the_rows_moves() -> None:
    counts, flat = {"pos": 10, "neg": 8, "odd": 1}, frozenset({"pos", "odd"})
    assert share_counts(counts, flat, 0.25, 4, 4) == ({"pos": 7, "neg": 8, "odd": 1}, {"pos": 3})
    # a literal request brings one text
    assert share_counts(counts, flat, 0.25, 4, 1) == ({"pos": 7, "neg": 8, "odd": 1}, {"pos": 12})
    assert share_counts(counts, flat, 1.0, 1, 4) == ({"neg": 8}, {"pos": 3, "odd": 1})
    assert share_counts(counts, frozenset(), 0.25, 4, 4) == (counts, {})


def test_joined_plans_are_numbered_through() -> None:
    def plan(*names: str) -> pa.Table:
        rows = [{"request_id": name, "ordinal": place} for place, name in enumerate(names)]
        return requests_table(each | {"seed_ids": [], "attributes": {}, "sampling": {}} for each in rows)

    joined = join_plans(plan("a", "b"), plan("c"))
    assert joined.schema == REQUEST_SCHEMA
    assert joined.select(["request_id", "ordinal"]).to_pydict() == {"request_id": ["a", "b", "c"], "ordinal": [0, 1, 2]}
