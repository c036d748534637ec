"""The student beside the baselines without generated rows, on held-out rows. Nothing here influences the dataset.

The contrastive one is the judge: it has seen the seeds and the guideline.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from denoise.dedup.leak import near_duplicates_between
from generation.kinds.base import Kind
from generation.task import Example
from training.job import TrainingRow

PLAIN, CONTRASTIVE = "plain fine-tuning", "contrastive"
NEAREST = 3


def evaluate_run(
    test: Sequence[Example],
    seeds: Sequence[Example],
    kind: Kind,
    kept: pa.Table,
    folders: dict[str, Path],
    threshold: float,
) -> dict[str, Any]:
    """Scores on `test` of the models in `folders` ("student", PLAIN, and CONTRASTIVE if there is a judge).

    They go into metrics.json. `kept` (`id`, `text`, `label`, of tags also `tokens` and `tags`) are the rows that the
    student has seen beside `seeds`. `near_duplicates_of_dataset` counts those of them whose Jaccard similarity to a
    test row is `threshold` or more: a measure of contamination. `unseen_labels` are those of test rows that neither
    has.
    """
    from training.measures.scores import assess, score, unseen
    from training.predict import Student

    rows = [TrainingRow.of(example) for example in test]
    trained = [*map(TrainingRow.of, seeds), *rows_of(kept)]
    student, plain = (Student.load(folders[name]) for name in ("student", PLAIN))
    baselines = {PLAIN: score(kind.name, rows, plain.predict(_inputs(plain, rows))[0], kind.labels)}
    if CONTRASTIVE in folders:
        baselines[CONTRASTIVE] = score(kind.name, rows, _judged(folders[CONTRASTIVE], rows, kind), kind.labels)
    names = {name for example in test for name, _ in example.attributes}
    groups = {name: [dict(example.attributes).get(name) for example in test] for name in sorted(names)}
    scores = assess(student, rows, groups)
    _add_nearest(scores["worst"], student, kept)
    return {
        "rows": len(test),
        "near_duplicates_of_dataset": near_duplicates_between(
            kept["text"].to_pylist(), [row.text for row in rows], threshold
        ),
        "unseen_labels": unseen(kind.name, rows, trained),
        "student": scores,
        "baselines": baselines,
    }


def look_at_dev(dev: Sequence[Example], kept: pa.Table, folder: Path) -> dict[str, Any]:
    """What the student in `folder` gets right of the seeds that were held out to choose it, and its worst mistakes.

    They go into metrics.json. A test set says how good it is; these say what it has not learnt. `kept` as above.
    """
    from training.measures.scores import assess
    from training.predict import Student

    student = Student.load(folder)
    scores = assess(student, [TrainingRow.of(example) for example in dev])
    _add_nearest(scores["worst"], student, kept)
    return {"rows": len(dev), **{name: scores[name] for name in ("accuracy", "macro_f1", "truncated", "worst")}}


def rows_of(kept: pa.Table, soft: bool = False) -> list[TrainingRow]:
    """What a student learns from rows: `text`, `label`, `weight`, and of tags `tokens` and `tags`.

    If `soft`, `shares` where a row has any; then it weighs 1, as its shares say how sure it is.
    """
    found = []
    for row in kept.to_pylist():
        tokens, tags = (tuple(row.get(name) or ()) for name in ("tokens", "tags"))
        shares = tuple(row["shares"] or ()) if soft else ()
        found.append(TrainingRow(row["text"], row["label"], 1.0 if shares else row["weight"], tokens, tags, shares))
    return found


def _judged(folder: Path, rows: Sequence[TrainingRow], kind: Kind) -> list[str]:
    """What the judge says of each row."""
    from training.predict import label_sets
    from training.spec import THRESHOLD
    from training.teacher import load_judge

    judge = load_judge(folder)
    probabilities = judge.probabilities([row.text for row in rows])
    if kind.has_several:
        return label_sets(probabilities, judge.labels, THRESHOLD)[0]
    return [judge.labels[best] for best in probabilities.argmax(axis=1)]


def _inputs(student: Any, rows: Sequence[TrainingRow]) -> list[Any]:
    return [student.classifier.input_of(row) for row in rows]


def _add_nearest(worst: list[dict[str, Any]], student: Any, kept: pa.Table) -> None:
    """Give each of the worst rows the kept ones that the student sees nearest to it."""
    from training.measures.nearest import nearest

    rows = kept.select(["id", "text", "label"]).to_pylist()
    found = nearest(student, [each["text"] for each in worst], [row["text"] for row in rows], NEAREST)
    for each, places in zip(worst, found, strict=True):
        each["nearest"] = [{**rows[place], "similarity": round(similar, 4)} for place, similar in places]
