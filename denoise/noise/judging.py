"""The judge applied to batches of rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pyarrow as pa

from denoise.noise.calibration import Calibration


class JudgeLike(Protocol):
    """A classifier of texts (training.contrastive.Judge)."""

    labels: list[str]

    def probabilities(self, texts: Sequence[str]) -> np.ndarray:
        """Float [n, labels], columns in the order of `labels`."""


@dataclass(frozen=True)
class SecondOpinion:
    """Another judge, loaded once on a worker, and how far both are trusted, the first named first."""

    load: Callable[[], JudgeLike]
    calibration: Calibration


class Judging:
    """A judge, loaded once, whose columns are put into the order of a task's labels."""

    def __init__(self, load_judge: Callable[[], JudgeLike], labels: Sequence[str]) -> None:
        """Raises ValueError when the judge was trained for other labels."""
        self.judge = load_judge()
        if set(self.judge.labels) != set(labels):
            raise ValueError(f"the judge must know the task's labels {list(labels)}; got {self.judge.labels}")
        self.columns = [self.judge.labels.index(label) for label in labels]

    def __call__(self, batch: pa.Table) -> pa.Table:
        """`position` as it came and `probabilities` (a list of one float64 per label) for each `text`."""
        found = np.asarray(self.judge.probabilities(batch["text"].to_pylist()), np.float64)[:, self.columns]
        lists = pa.FixedSizeListArray.from_arrays(pa.array(found.ravel()), len(self.columns))
        return pa.table({"position": batch["position"], "probabilities": lists})
