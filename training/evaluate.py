"""Accuracy, F1 per class and the confusion matrix, as plain numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any


def evaluate(gold: Sequence[str], predicted: Sequence[str], labels: Sequence[str]) -> dict[str, Any]:
    """JSON-able measures of `predicted` against `gold`, both [n].

    `accuracy`, `macro_f1`, `micro_f1`, `per_class` {label: {precision, recall, f1, support}} and `confusion` (rows
    gold, columns predicted, in the order of `labels`). A ratio over nothing is 0. `macro_f1` is the mean over the
    labels that occur in `gold` or `predicted`, as in scikit-learn. Raises ValueError on lengths that differ or
    a label not in `labels`.
    """
    confusion = _confusion(gold, predicted, labels)
    hits = Counter({label: confusion[place][place] for place, label in enumerate(labels)})
    return {
        "accuracy": ratio(hits.total(), len(gold)),
        **f1_of_counts(hits, Counter(predicted), Counter(gold), labels),
        "confusion": confusion,
    }


def _confusion(gold: Sequence[str], predicted: Sequence[str], labels: Sequence[str]) -> list[list[int]]:
    if len(gold) != len(predicted):
        raise ValueError(f"gold and predicted must be equally long; got {len(gold)} and {len(predicted)}")
    places = {label: place for place, label in enumerate(labels)}
    if unknown := sorted({*gold, *predicted} - places.keys()):
        raise ValueError(f"labels must be among {list(labels)}; got {unknown}")
    table = [[0] * len(labels) for _ in labels]
    for true, guess in zip(gold, predicted, strict=True):
        table[places[true]][places[guess]] += 1
    return table


def f1_of_counts(
    hits: Counter[str], given: Counter[str], wanted: Counter[str], labels: Sequence[str]
) -> dict[str, Any]:
    """`macro_f1`, `micro_f1` and `per_class` where each label may be right, given and wanted any number of times."""
    per_class = {
        label: {
            "precision": ratio(hits[label], given[label]),
            "recall": ratio(hits[label], wanted[label]),
            "f1": ratio(2 * hits[label], given[label] + wanted[label]),
            "support": wanted[label],
        }
        for label in labels
    }
    occurring = [per_class[label]["f1"] for label in labels if given[label] + wanted[label]]
    return {
        "macro_f1": ratio(sum(occurring), len(occurring)),
        "micro_f1": ratio(2 * hits.total(), given.total() + wanted.total()),
        "per_class": per_class,
    }


def ratio(part: float, whole: float) -> float:
    """0 of nothing."""
    return part / whole if whole else 0.0
