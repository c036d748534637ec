"""Where a student is weak: labels that it gets wrong, and pairs that it takes for one another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from training.measures.answers import Counts

PRIOR = 4.0  # answers' worth of belief that a label is as hard as the others
MOST_PAIRS = 10


def label_errors(counts: Counts) -> dict[str, float]:
    """Label -> the share of answers about it that are wrong, 0 to 1; both sides of a confusion are told of.

    1 - F1, that is what was missed or said too much over what was wanted and given, with PRIOR more at the share of all
    labels: of a handful of rows nobody knows much. Empty where nothing is wanted or given.
    """
    hits, asked = counts.hits.sum(axis=0), (counts.given + counts.wanted).sum(axis=0)
    wrong = asked - 2 * hits
    if not asked.sum():
        return {}
    shared = PRIOR * wrong.sum() / asked.sum()
    return {
        label: round(float((bad + shared) / (all_ + PRIOR)), 6)
        for label, bad, all_ in zip(counts.labels, wrong, asked, strict=True)
    }


def confused_pairs(gold: Sequence[str], predicted: Sequence[str]) -> list[tuple[str, str, int]]:
    """Labels that were taken for one another, either way, and how often; the MOST_PAIRS most frequent."""
    counts = Counter(tuple(sorted(pair)) for pair in zip(gold, predicted, strict=True) if pair[0] != pair[1])
    found = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [(one, other, count) for (one, other), count in found[:MOST_PAIRS]]
