"""What became of all rows that a run made, counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cluster.report_fates import fates_of
from cluster.store import Store


@dataclass(frozen=True)
class Losses:
    """Of `made` rows `kept` are in a dataset; the others by reason, the most frequent first."""

    made: int
    kept: int
    reasons: Mapping[str, int]


def losses_of(store: Store, rounds: Iterable[int]) -> Losses:
    """By the verdicts that hold now."""
    counts: Counter[str | None] = Counter()
    for number in rounds:
        rows = store.rows(number, ["id", "intended_label", "label"])
        for (_, _, loss), found in fates_of(rows, store.verdicts(number)).counted().items():
            counts[loss] += found
    kept = counts.pop(None, 0)
    reasons = {name: count for name, count in sorted(counts.items(), key=lambda each: (-each[1], str(each[0]))) if name}
    return Losses(kept + sum(reasons.values()), kept, reasons)
