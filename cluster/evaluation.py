"""The student beside two baselines without generated rows, on held-out rows. Nothing here influences the dataset.

The contrastive one is the judge: it has seen the seeds and the guideline.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from denoise.dedup.leak import near_duplicates_between
from generation.task import Example

PLAIN, CONTRASTIVE = "plain fine-tuning", "contrastive"


def evaluate_run(
    test: Sequence[Example], labels: Sequence[str], kept: pa.Table, folders: dict[str, Path], threshold: float
) -> dict[str, Any]:
    """Scores on `test` of the models in `folders` ("student", PLAIN, CONTRASTIVE), for metrics.json.

    `near_duplicates_of_dataset` counts rows of `kept` whose Jaccard similarity to a test row is `threshold` or more:
    a measure of contamination.
    """
    from training.contrastive import Judge
    from training.evaluate import evaluate
    from training.predict import Student

    texts, gold = [row.text for row in test], [str(row.label) for row in test]
    judge = Judge.load(folders[CONTRASTIVE])
    judged = [judge.labels[best] for best in judge.probabilities(texts).argmax(axis=1)]
    plain, _ = Student.load(folders[PLAIN]).predict(texts)
    student, _ = Student.load(folders["student"]).predict(texts)
    return {
        "rows": len(test),
        "near_duplicates_of_dataset": near_duplicates_between(kept["text"].to_pylist(), texts, threshold),
        "student": evaluate(gold, student, labels),
        "baselines": {PLAIN: evaluate(gold, plain, labels), CONTRASTIVE: evaluate(gold, judged, labels)},
    }
