"""What is measured of predictions, by kind of task."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from generation.kinds.multi_label import split
from training.evaluate import evaluate
from training.job import TrainingRow
from training.measures.several import evaluate_sets
from training.measures.spans import evaluate_spans


def score(kind: str, rows: Sequence[TrainingRow], predicted: Sequence[Any], labels: Sequence[str]) -> dict[str, Any]:
    """`accuracy`, `macro_f1`, `micro_f1` and `per_class` of what a student predicts of `rows`, as its kind counts."""
    if kind == "tags":
        return evaluate_spans([row.tags for row in rows], predicted, labels)
    if kind == "multi_label":
        return evaluate_sets([split(row.label) for row in rows], [split(label) for label in predicted], labels)
    return evaluate([row.label for row in rows], predicted, labels)
