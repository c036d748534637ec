"""Everything that is measured of a student on rows whose answers are known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from scipy.special import softmax
from sklearn.metrics import roc_auc_score

from training.evaluate import evaluate
from training.job import TrainingRow
from training.measures.answers import Counts, answers, right_answers
from training.measures.calibration import calibration_error, reliability, risk_coverage
from training.predict import Student
from training.students.network import Encoded, Input, parts_of

WORST = 20
_LENGTHS = 4  # slices by length


def count_answers(kind: str, rows: Sequence[TrainingRow], predicted: Sequence[Any], labels: Sequence[str]) -> Counts:
    """What is right and wrong in what is predicted of `rows`."""
    gold = [right_answers(kind, row) for row in rows]
    return Counts.of(gold, [answers(kind, each) for each in predicted], labels)


def score(kind: str, rows: Sequence[TrainingRow], predicted: Sequence[Any], labels: Sequence[str]) -> dict[str, Any]:
    """JSON-able: `accuracy`, `macro_f1`, `micro_f1`, their `intervals`, `per_class`; of single labels `confusion`."""
    counts = count_answers(kind, rows, predicted, labels)
    scores = {**counts.scores(), "intervals": counts.intervals(), "per_class": counts.per_class()}
    if kind in ("label", "pair"):
        scores["confusion"] = evaluate([row.label for row in rows], predicted, labels)["confusion"]
    return scores


def assess(
    student: Student, rows: Sequence[TrainingRow], groups: Mapping[str, Sequence[str | None]] = MappingProxyType({})
) -> dict[str, Any]:
    """`score` and more of a student, JSON-able. `groups` are the rows' values in dimensions, None where one has none.

    `auroc`: the mean over labels that some rows have and some have not, not of tags. `calibration`: temperature,
    expected calibration error of all choices before and after, and a reliability plot after. `risk_coverage`: of texts,
    the surest first. `slices`: scores by dimension and value, length among them. `truncated`: the share of texts that
    were cut. `right`: a "1" for each text that is all right, else a "0". `worst`: the WORST texts by the probability of
    what is right.
    """
    network, kind = student.classifier, student.spec.kind
    inputs = [network.input_of(row) for row in rows]
    encoded = network.encode(inputs)
    logits = network.logits_of(encoded)
    probabilities = student.to_probabilities(logits)
    predicted, confidence = student.decide(inputs, encoded, probabilities)
    counts = count_answers(kind, rows, predicted, student.labels)
    return {
        **score(kind, rows, predicted, student.labels),
        "auroc": _auroc(student, rows, probabilities),
        "calibration": _calibration(student, rows, encoded, logits),
        "risk_coverage": risk_coverage(confidence, counts.right),
        "slices": {name: _by_value(each, counts) for name, each in {"length": _lengths(inputs), **groups}.items()},
        "truncated": network.cut_share(inputs),
        "right": "".join("1" if right else "0" for right in counts.right),
        "worst": _worst(student, rows, encoded, logits, predicted, confidence),
    }


def unseen(kind: str, rows: Sequence[TrainingRow], trained: Sequence[TrainingRow]) -> dict[str, int]:
    """Labels that `rows` carry and no row that a student was trained on does, with how many carry each."""
    known = {answer[0] for row in trained for answer in right_answers(kind, row)}
    carried = Counter(label for row in rows for label in {answer[0] for answer in right_answers(kind, row)})
    return {label: count for label, count in sorted(carried.items()) if label not in known}


def _auroc(student: Student, rows: Sequence[TrainingRow], probabilities: np.ndarray) -> float | None:
    if student.spec.unit == "word":
        return None
    carried = [{answer[0] for answer in right_answers(student.spec.kind, row)} for row in rows]
    found = []
    for place, label in enumerate(student.labels):
        gold = [label in names for names in carried]
        if any(gold) and not all(gold):
            found.append(float(roc_auc_score(gold, probabilities[:, place])))
    return float(np.mean(found)) if found else None


def _calibration(
    student: Student, rows: Sequence[TrainingRow], encoded: Sequence[Encoded], logits: np.ndarray
) -> dict[str, Any]:
    choices, targets = choices_of(student, rows, encoded, logits)
    before, after = (softmax(choices / t, axis=1) for t in (1.0, student.spec.temperature))
    right = choices.argmax(axis=1) == targets
    return {
        "temperature": student.spec.temperature,
        "fitted_on": student.spec.calibration_rows,
        "ece_before": calibration_error(before.max(axis=1), right),
        "ece": calibration_error(after.max(axis=1), right),
        "reliability": reliability(after.max(axis=1), right),
    }


def choices_of(
    student: Student, rows: Sequence[TrainingRow], encoded: Sequence[Encoded], logits: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Logits float64 [m, ways] of all choices, and the right one of each, int64 [m]."""
    network = student.classifier
    targets = [target for row, each in zip(rows, encoded, strict=True) for target in network.targets(row, each)]
    return network.choices(torch.from_numpy(logits)).numpy(), np.array(targets, np.int64)


def _by_value(values: Sequence[str | None], counts: Counts) -> dict[str, dict[str, float]]:
    """Scores of the texts that have a value, by value, in the order in which they come up."""
    slices = {}
    for value in dict.fromkeys(value for value in values if value is not None):
        chosen = np.array([each == value for each in values])
        slices[value] = {"rows": int(chosen.sum()), **counts.of_rows(chosen).scores()}
    return slices


def _lengths(inputs: Sequence[Input]) -> list[str]:
    """Slices of like numbers of words, with about equally many texts."""
    lengths = np.array([len(each.split()) if isinstance(each, str) else len(each) for each in inputs], np.int64)
    if not len(lengths):
        return []
    edges = np.unique(np.quantile(lengths, np.linspace(0, 1, _LENGTHS + 1)[1:], method="higher"))
    which = np.searchsorted(edges, lengths)
    names = {}
    for place in np.unique(which):
        low, high = lengths[which == place].min(), lengths[which == place].max()
        names[place] = f"{low}-{high} words" if low < high else f"{low} words"
    return [names[place] for place in which]


def _worst(
    student: Student,
    rows: Sequence[TrainingRow],
    encoded: Sequence[Encoded],
    logits: np.ndarray,
    predicted: Sequence[Any],
    confidence: np.ndarray,
) -> list[dict[str, Any]]:
    """Wrong ones only, by the least probability of a right choice, the least first."""
    choices, targets = choices_of(student, rows, encoded, logits)
    likely = softmax(choices / student.spec.temperature, axis=1)[np.arange(len(targets)), targets]
    per_row = [len(student.classifier.targets(row, each)) for row, each in zip(rows, encoded, strict=True)]
    least = np.array([part.min() if len(part) else 1.0 for part in parts_of(likely, per_row)])
    kind = student.spec.kind
    wrong = [place for place in np.argsort(least, kind="stable") if not _is_right(kind, rows[place], predicted[place])]
    return [
        {
            "text": rows[place].text,
            "gold": list(rows[place].tags) if kind == "tags" else rows[place].label,
            "predicted": predicted[place],
            "confidence": float(confidence[place]),
            "gold_probability": float(least[place]),
        }
        for place in wrong[:WORST]
    ]


def _is_right(kind: str, row: TrainingRow, predicted: Any) -> bool:
    return right_answers(kind, row) == answers(kind, predicted)
