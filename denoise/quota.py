"""Cutting what exceeds the quota of a label."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Candidate:
    """A row fit to be kept: `status` is accepted or relabelled, `confidence` the judge's in the final `label`."""

    id: str
    label: str
    status: str
    confidence: float


def over_quota(candidates: Iterable[Candidate], remaining: Mapping[str, int]) -> frozenset[str]:
    """Ids of the candidates that find their label's quota filled; a label not in `remaining` has none.

    Rows that kept their label go before relabelled ones, then the more confident, then the lower id: the order of
    the input does not matter.
    """
    taken: Counter[str] = Counter()
    surplus = set()
    for candidate in sorted(candidates, key=_precedence):
        if taken[candidate.label] < remaining.get(candidate.label, 0):
            taken[candidate.label] += 1
        else:
            surplus.add(candidate.id)
    return frozenset(surplus)


def _precedence(candidate: Candidate) -> tuple[bool, float, str]:
    return candidate.status != "accepted", -candidate.confidence, candidate.id
