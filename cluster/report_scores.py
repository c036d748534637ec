"""How well the student and the seeds-only baselines do on the test set, for the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from denoise.audit.intervals import wilson


@dataclass(frozen=True)
class Score:
    """One model on the test set; `low` and `high` bound its accuracy (95% Wilson interval).

    `macro_interval` is the bootstrap's, where there is one.
    """

    name: str
    accuracy: float | None
    macro_f1: float | None
    low: float | None
    high: float | None
    per_class: Mapping[str, Mapping[str, float]]
    confusion: tuple[tuple[int, ...], ...]
    macro_interval: tuple[float, float] | None = None

    def of(self, label: str, measure: str) -> float | None:
        """Precision, recall, f1 or support of a label, if measured."""
        return self.per_class.get(label, {}).get(measure)


@dataclass(frozen=True)
class Test:
    """An evaluation. `labels` name the rows (actual) and columns (predicted) of the confusion matrix.

    `details` is all that was measured of the student (training/measures/scores.py), `unseen` how many texts carry a
    label that training did not have.
    """

    __test__ = False

    round: int
    rows: int | None
    near_duplicates: int | None
    student: Score | None
    baselines: tuple[Score, ...]
    labels: tuple[str, ...]
    details: Mapping[str, Any] = field(default_factory=dict)
    unseen: Mapping[str, int] = field(default_factory=dict)

    @property
    def scores(self) -> tuple[Score, ...]:
        return (self.student, *self.baselines) if self.student else self.baselines

    @property
    def best_baseline(self) -> Score | None:
        """The baseline of highest accuracy."""
        known = [score for score in self.baselines if score.accuracy is not None]
        return max(known, key=lambda score: score.accuracy or 0) if known else None

    def gain(self, baseline: Score | None) -> float | None:
        """Student's accuracy less a baseline's."""
        if not self.student or not baseline or self.student.accuracy is None or baseline.accuracy is None:
            return None
        return self.student.accuracy - baseline.accuracy

    def class_gain(self, label: str) -> float | None:
        """Student's F1 on a label less that of the best baseline there."""
        student = self.student.of(label, "f1") if self.student else None
        known = [f1 for score in self.baselines if (f1 := score.of(label, "f1")) is not None]
        return None if student is None or not known else student - max(known)

    def confused(self, most: int = 8) -> list[tuple[int, str, str]]:
        """The most frequent mistakes as (count, actual, predicted), the greatest first."""
        matrix = self.student.confusion if self.student else ()
        mistakes = [
            (count, actual, predicted)
            for actual, row in zip(self.labels, matrix, strict=False)
            for predicted, count in zip(self.labels, row, strict=False)
            if count and actual != predicted
        ]
        return sorted(mistakes, key=lambda mistake: (-mistake[0], *mistake[1:]))[:most]


def newest_test(metrics: Sequence[Mapping[str, Any]], labels: Sequence[str]) -> Test | None:
    """The last round's evaluation, if any round has one."""
    tested = [metric for metric in metrics if metric.get("test")]
    if not tested:
        return None
    test = tested[-1]["test"]
    rows = test.get("rows")
    student = test.get("student")
    return Test(
        round=tested[-1].get("round", len(metrics) - 1),
        rows=rows,
        near_duplicates=test.get("near_duplicates_of_dataset"),
        student=_score("student", student, rows) if student else None,
        baselines=tuple(_score(name, score, rows) for name, score in (test.get("baselines") or {}).items() if score),
        labels=tuple((student or {}).get("labels") or labels),
        details=student or {},
        unseen=test.get("unseen_labels") or {},
    )


def _score(name: str, values: Mapping[str, Any], rows: int | None) -> Score:
    accuracy = values.get("accuracy")
    low, high = wilson(accuracy, rows) if accuracy is not None and rows else (None, None)
    confusion = tuple(tuple(row) for row in values.get("confusion") or ())
    macro = (values.get("intervals") or {}).get("macro_f1")
    return Score(
        name=name,
        accuracy=accuracy,
        macro_f1=values.get("macro_f1"),
        low=low,
        high=high,
        per_class=values.get("per_class") or {},
        confusion=confusion,
        macro_interval=tuple(macro) if macro else None,
    )
