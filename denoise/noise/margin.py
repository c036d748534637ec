"""The label margin: how much likelier the LM finds a text under its own label than under the likeliest other.

Teacher-forced beside the engines, which do not give the logprobs of prompts that an adapter goes with. Compared with
the judge it is a weak sign of a wrong label (docs/methods.md), and it is slow: a text is read once for each of a few
labels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np
import pyarrow as pa

from denoise.noise.agreement import Agreement
from denoise.settings import DenoiseSettings
from training.margins import label_margins

OTHERS = 3  # labels that a text is compared for beside its own: those that the judge finds likeliest
SCORE = "label_margin"


class LikelihoodLike(Protocol):
    """A causal LM that scores texts under labels (training.likelihood.LabelLikelihood)."""

    labels: list[str]

    def mean_logprobs(self, texts: Sequence[str], among: Sequence[Sequence[str]]) -> np.ndarray:
        """Float [n, labels], nan where a label is not among a text's."""


class Margining:
    """A likelihood, loaded once, applied to batches of rows."""

    def __init__(self, load: Callable[[], LikelihoodLike]) -> None:
        self.likelihood = load()

    def __call__(self, batch: pa.Table) -> pa.Table:
        """`position` as it came and `margin` for each `text`, between `label` and the others in `among`."""
        labels = self.likelihood.labels
        found = self.likelihood.mean_logprobs(batch["text"].to_pylist(), batch["among"].to_pylist())
        margins = label_margins(found, [labels.index(label) for label in batch["label"].to_pylist()])
        return pa.table({"position": batch["position"], "margin": margins})


def compared_labels(own: Sequence[str], probabilities: np.ndarray, labels: Sequence[str]) -> list[list[str]]:
    """For each text its own label and the OTHERS that the judge's `probabilities` [n, labels] put highest."""
    among = []
    for label, row in zip(own, probabilities, strict=True):
        ranked = [labels[place] for place in np.argsort(-row, kind="stable") if labels[place] != label]
        among.append([label, *ranked[:OTHERS]])
    return among


def with_margin(opinion: Agreement, margin: float, settings: DenoiseSettings) -> Agreement:
    """The opinion with the margin among its scores; rejected where that is less than `settings.least_margin`."""
    if np.isnan(margin):
        return opinion
    told = replace(opinion, scores={**opinion.scores, SCORE: margin})
    if settings.least_margin is not None and margin < settings.least_margin:
        return replace(told, status="rejected", reason=SCORE)
    return told
