"""Connected components, for tools that leave it to their user."""

from __future__ import annotations

from collections.abc import Iterable


def components(count: int, pairs: Iterable[tuple[int, int]]) -> list[int]:
    """For each of `count` places the first place that `pairs` connect it with."""
    parents = list(range(count))

    def root(place: int) -> int:
        while parents[place] != place:
            parents[place] = place = parents[parents[place]]
        return place

    for one, other in pairs:
        first, second = sorted((root(one), root(other)))
        parents[second] = first
    return [root(place) for place in range(count)]


def jaccard(one: set[str], other: set[str]) -> float:
    shared = len(one & other)
    return shared / (len(one) + len(other) - shared)
