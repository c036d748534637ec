"""Measures of texts with several labels each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from training.evaluate import f1_of_counts, ratio


def evaluate_sets(
    gold: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]], labels: Sequence[str]
) -> dict[str, Any]:
    """JSON-able measures of sets of labels against sets.

    `accuracy` is the share of texts whose set is right, `micro_f1` counts all labels of all texts, `macro_f1` is the
    mean over the labels that occur; `per_class` {label: {precision, recall, f1, support}}. A ratio over nothing is 0.
    """
    wanted = Counter(label for names in gold for label in names)
    given = Counter(label for names in predicted for label in names)
    hits = Counter(label for true, guess in zip(gold, predicted, strict=True) for label in {*true} & {*guess})
    right = sum({*true} == {*guess} for true, guess in zip(gold, predicted, strict=True))
    return {"accuracy": ratio(right, len(gold)), **f1_of_counts(hits, given, wanted, labels)}
