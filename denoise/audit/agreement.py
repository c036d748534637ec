"""How far people agree beyond chance: Krippendorff's alpha."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any

Distance = Callable[[Any, Any], float]


def nominal(one: Hashable, other: Hashable) -> float:
    """Equal or not."""
    return float(one != other)


def masi(one: frozenset[str], other: frozenset[str]) -> float:
    """Distance of sets (Passonneau 2006): Jaccard's, less for sets of which one holds the other."""
    if one == other:
        return 0.0
    shared = one & other
    kinship = 2 / 3 if one <= other or other <= one else 1 / 3 if shared else 0.0
    return 1 - kinship * len(shared) / len(one | other)


def krippendorff(values: Mapping[str, Mapping[str, Hashable]], distance: Distance = nominal) -> float | None:
    """Alpha of {row: {person: value}}: 1 all agree, 0 as by chance, below 0 worse than that.

    Rows of one person do not count. None where no row has two, or where all values are the same, so that there is
    nothing to agree on (Krippendorff 2004, 11.3).
    """
    units = [list(people.values()) for people in values.values() if len(people) > 1]
    if not units:
        return None
    seen = sum(_spread(Counter(unit), distance) / (len(unit) - 1) for unit in units)
    totals = Counter(value for unit in units for value in unit)
    count = sum(totals.values())
    by_chance = _spread(totals, distance) / (count - 1)
    return 1 - seen / by_chance if by_chance else None


def agreeing(values: Iterable[Mapping[str, Hashable]]) -> tuple[int, int]:
    """Rows of which two people or more say the same, and rows that two people or more saw."""
    several = [set(people.values()) for people in values if len(people) > 1]
    return sum(len(each) == 1 for each in several), len(several)


def _spread(counts: Counter[Hashable], distance: Distance) -> float:
    """Sum of distances over ordered pairs of values."""
    return sum(
        one_count * other_count * distance(one, other)
        for one, one_count in counts.items()
        for other, other_count in counts.items()
        if one != other
    )
