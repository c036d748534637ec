"""The judge as teacher: its distribution over the labels of rows, for soft labels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from training.contrastive import Judge, is_judge
from training.folders import local_folder
from training.job import StudentJob


def teach(job: StudentJob, texts: Sequence[str]) -> np.ndarray | None:
    """Probabilities float64 [n, labels] in the order of the job's labels; None where the job has no judge."""
    folder = local_folder(job.teacher or job.init_folder)
    if not is_judge(folder) or not texts:
        return None
    judge = Judge.load(folder)
    return judge.probabilities(texts)[:, [judge.labels.index(label) for label in job.labels]]
