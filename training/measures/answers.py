"""Right and wrong of any kind of task: each text has a set of answers, of which a prediction hits some.

An answer begins with its label: ("sport",) of a text with one label or several, ("time", 3, 5) for a span of words,
which is hit if its slot and both its ends are (as in CoNLL 2000).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from generation.kinds.multi_label import split
from generation.kinds.spans import word_spans
from training.job import TrainingRow

RESAMPLES = 1000
_TAILS = (2.5, 97.5)

Answer = tuple[Any, ...]


def right_answers(kind: str, row: TrainingRow) -> frozenset[Answer]:
    """What a row of a kind of task should get."""
    return answers(kind, row.tags if kind == "tags" else row.label)


def answers(kind: str, predicted: Any) -> frozenset[Answer]:
    """The answers in what a student predicts of a text (training/predict.py)."""
    if kind == "tags":
        return frozenset(word_spans(predicted))
    return frozenset((label,) for label in (split(predicted) if kind == "multi_label" else (predicted,)))


@dataclass(frozen=True)
class Counts:
    """Answers of n texts by label, float [n, labels]; `right` [n]: nothing is missing and nothing too much."""

    labels: tuple[str, ...]
    right: np.ndarray
    hits: np.ndarray
    given: np.ndarray
    wanted: np.ndarray

    @classmethod
    def of(cls, gold: Sequence[frozenset[Answer]], found: Sequence[frozenset[Answer]], labels: Sequence[str]) -> Counts:
        places = {label: place for place, label in enumerate(labels)}
        hits, given, wanted = (np.zeros((len(gold), len(labels)), np.float32) for _ in range(3))
        for row, (true, guess) in enumerate(zip(gold, found, strict=True)):
            for table, chosen in ((hits, true & guess), (given, guess), (wanted, true)):
                for answer in chosen:
                    table[row, places[answer[0]]] += 1
        right = np.array([true == guess for true, guess in zip(gold, found, strict=True)], np.float32)
        return cls(tuple(labels), right, hits, given, wanted)

    def of_rows(self, rows: np.ndarray) -> Counts:
        """Of some texts only: their places, or a mask."""
        return Counts(self.labels, self.right[rows], self.hits[rows], self.given[rows], self.wanted[rows])

    def scores(self) -> dict[str, float]:
        """`accuracy` (texts that are all right), `macro_f1` over the labels that occur, `micro_f1` of all answers."""
        return {name: float(value[0]) for name, value in self._weighted(np.ones((1, len(self.right)))).items()}

    def per_class(self) -> dict[str, dict[str, float]]:
        """{label: {precision, recall, f1, support}}; a ratio over nothing is 0."""
        hits, given, wanted = (table.sum(axis=0) for table in (self.hits, self.given, self.wanted))
        columns = (_ratio(hits, given), _ratio(hits, wanted), _ratio(2 * hits, given + wanted))
        return {
            label: dict(zip(("precision", "recall", "f1"), each[:3], strict=True)) | {"support": int(each[3])}
            for label, each in zip(self.labels, np.column_stack([*columns, wanted]).tolist(), strict=True)
        }

    def intervals(self, seed: int = 0, resamples: int = RESAMPLES) -> dict[str, list[float]]:
        """95 % percentile bootstrap (Efron 1979) of `scores`: [low, high] each. Of no texts none."""
        rows = len(self.right)
        if rows == 0:
            return {}
        draws = np.random.default_rng(seed).multinomial(rows, np.full(rows, 1 / rows), size=resamples)
        return {name: np.percentile(found, _TAILS).tolist() for name, found in self._weighted(draws).items()}

    def _weighted(self, times: np.ndarray) -> dict[str, np.ndarray]:
        """`scores` where each text counts so many `times` [r, n]: [r] each."""
        times = times.astype(np.float32)
        hits, given, wanted = (times @ table for table in (self.hits, self.given, self.wanted))
        whole = given + wanted
        return {
            "accuracy": _ratio(times @ self.right, times.sum(axis=1)),
            "macro_f1": _ratio(_ratio(2 * hits, whole).sum(axis=1), (whole > 0).sum(axis=1)),
            "micro_f1": _ratio(2 * hits.sum(axis=1), whole.sum(axis=1)),
        }


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """float64; 0 over nothing."""
    part = np.asarray(part, np.float64)
    return np.divide(part, whole, out=np.zeros_like(part), where=np.asarray(whole) > 0)
