"""The judge as a student's start and teacher, whichever kind of judge it is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from training.contrastive import Judge, is_judge
from training.folders import local_folder
from training.job import StudentJob
from training.one_vs_rest import HEADS_FILE, SetJudge


def holds_judge(folder: Path | str) -> bool:
    """Whether a folder holds a judge of single labels or of several, and not a plain encoder."""
    return is_judge(folder) or _is_of_several(folder)


def load_judge(folder: Path | str) -> Judge | SetJudge:
    """The judge in a folder."""
    return SetJudge.load(folder) if _is_of_several(folder) else Judge.load(folder)


def teach(job: StudentJob, texts: Sequence[str]) -> np.ndarray | None:
    """Probabilities float64 [n, labels] in the order of the job's labels; None where the job has no judge."""
    folder = local_folder(job.teacher or job.init_folder)
    if not holds_judge(folder) or not texts:
        return None
    judge = load_judge(folder)
    return judge.probabilities(texts)[:, [judge.labels.index(label) for label in job.labels]]


def _is_of_several(folder: Path | str) -> bool:
    return (Path(folder) / HEADS_FILE).is_file()
