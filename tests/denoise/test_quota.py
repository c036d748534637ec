from __future__ import annotations

from itertools import pairwise, permutations

from denoise.quota import Candidate, over_quota

CANDIDATES = [
    Candidate("r1", "a", "relabelled", 0.99),
    Candidate("r2", "a", "accepted", 0.5),
    Candidate("r3", "a", "accepted", 0.7),
    Candidate("r4", "a", "accepted", 0.7),
    Candidate("r5", "b", "relabelled", 0.9),
]


def test_the_surplus_is_cut_by_status_confidence_and_id() -> None:
    surplus = [over_quota(CANDIDATES, {"a": n, "b": 1}) for n in range(5)]
    order = [set(earlier - later) for earlier, later in pairwise(surplus)]
    assert order == [{"r3"}, {"r4"}, {"r2"}, {"r1"}]
    assert surplus[4] == frozenset()


def test_the_order_of_candidates_does_not_matter() -> None:
    assert {over_quota(order, {"a": 2, "b": 1}) for order in permutations(CANDIDATES)} == {frozenset({"r1", "r2"})}


def test_a_label_without_quota_takes_nothing() -> None:
    assert over_quota(CANDIDATES, {"a": 9}) == {"r5"}
    assert over_quota(CANDIDATES, {"a": 9, "b": -1}) == {"r5"}
