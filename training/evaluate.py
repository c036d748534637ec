"""Accuracy, F1 per class and the confusion matrix, as plain numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def evaluate(gold: Sequence[str], predicted: Sequence[str], labels: Sequence[str]) -> dict[str, Any]:
    """JSON-able measures of `predicted` against `gold`, both [n].

    `accuracy`, `macro_f1`, `per_class` {label: {precision, recall, f1, support}} and `confusion` (rows gold,
    columns predicted, in the order of `labels`). A ratio over nothing is 0. `macro_f1` is the mean over the
    labels that occur in `gold` or `predicted`, as in scikit-learn. Raises ValueError on lengths that differ or
    a label not in `labels`.
    """
    confusion = _confusion(gold, predicted, labels)
    columns = [sum(column) for column in zip(*confusion, strict=True)]
    per_class, occurring = {}, []
    for place, label in enumerate(labels):
        hits, support = confusion[place][place], sum(confusion[place])
        per_class[label] = {
            "precision": _ratio(hits, columns[place]),
            "recall": _ratio(hits, support),
            "f1": _ratio(2 * hits, support + columns[place]),
            "support": support,
        }
        if support + columns[place]:
            occurring.append(per_class[label]["f1"])
    return {
        "accuracy": _ratio(sum(confusion[place][place] for place in range(len(labels))), len(gold)),
        "macro_f1": _ratio(sum(occurring), len(occurring)),
        "per_class": per_class,
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


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
