"""Generated rows against an oracle's labels: what is kept and right, and what a student gains by it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from yardstick.cleaning import Draft
from yardstick.encoders import PROBE_C, Encoders, Vectors
from yardstick.sets import Split

from denoise.noise.agreement import Agreement, agreements
from denoise.noise.calibration import ALONE, Calibration, Evidence, numbers_of, seed_calibration
from denoise.noise.decision import TARGET, decide
from denoise.noise.folds import fold_of
from denoise.noise.out_of_fold import Rows, head_probabilities, out_of_fold
from denoise.noise.soft import soft_out_of_fold, soft_rows
from denoise.settings import DenoiseSettings
from generation.task import Example
from training.job import StudentJob, TrainingRow
from training.linear import fit_linear
from training.losses import LOSSES
from training.plain import fit_plain
from training.predict import Student
from training.settings import StudentSettings
from training.shares import flattened, likely
from training.trainer import StudentTrainer

CONTRASTIVE = "contrastive seeds model"
FLAT = 0.5  # power of flattened shares
SURE_SHARE = 0.6  # of rows that the first trial's rule kept


@dataclass(frozen=True)
class Outcome:
    """Of the rows of one split under one way: the share that is kept (or relabelled), the percent of these that carry
    the oracle's label, and the accuracy of linear heads on the `frozen` and on the judge's encoder and of a run's
    student, percent.
    """

    way: str
    kept: float
    right: float
    frozen: float
    tuned: float
    student: float = float("nan")


class Taught(NamedTuple):
    """What is learnt of n rows: label numbers int [n], weights float [n] and, if any, soft labels float [n, labels]."""

    labels: np.ndarray
    weights: np.ndarray
    soft: np.ndarray | None = None

    @classmethod
    def softly(cls, soft: np.ndarray, weights: np.ndarray) -> Taught:
        """Under soft labels, of which the likeliest is the label."""
        return cls(soft.argmax(axis=1), weights, soft)

    def rows(self, vectors: np.ndarray) -> Rows:
        """For a linear head on vectors [n, d]."""
        kept = self.weights > 0
        if self.soft is None:
            return Rows(vectors, self.labels, self.weights).chosen(kept)
        return soft_rows(vectors[kept], self.soft[kept], self.weights[kept])

    def training_rows(self, texts: Sequence[str], names: Sequence[str]) -> Iterator[TrainingRow]:
        """For a run's student."""
        shares = np.zeros((len(texts), 0)) if self.soft is None else likely(self.soft)
        for text, label, weight, row in zip(texts, self.labels, self.weights.tolist(), shares.tolist(), strict=True):
            found = tuple((name, share) for name, share in zip(names, row, strict=False) if share > 0)
            yield TrainingRow(text, names[label], weight, shares=found)


@dataclass
class Generated:
    """One split's rows after filters and deduplication, and what is known of them.

    A run's student is trained with each of `students`; none: heads alone. These are logistic regressions; for each of
    `losses` (training/losses.py) there are heads too that minimise it.
    """

    split: Split
    drafts: list[Draft]
    encoders: Encoders
    students: Sequence[StudentSettings] = ()
    losses: Sequence[str] = ()

    def __post_init__(self) -> None:
        labels, frozen = self.split.labels, self.encoders.frozen
        self.texts = [draft.text for draft in self.drafts]
        self.intended = numbers_of([draft.label for draft in self.drafts], labels)
        self.judge = self.encoders.judge(self.split)
        self.judged = self.judge.probabilities(self.texts)
        self.oracle = numbers_of(self.encoders.oracle(self.split.real).predict(frozen.of(self.texts)), labels)
        self.known = [*self.split.seeds, *self.split.task.guideline]
        self.known_labels = numbers_of([row.label for row in self.known], labels)
        seeds = len(self.split.seeds)
        self.plain = fit_plain(_of(frozen, self.known), self.known_labels, len(labels), seeds, PROBE_C)
        self.second = self._heard(frozen.of(self.texts))
        self.folds = fold_of(self.texts)

    def ways(self, wanted: Sequence[str] = ()) -> Iterator[Outcome]:
        """What comes of each way of cleaning, or of those `wanted`."""
        if not wanted or CONTRASTIVE in wanted:
            yield self._contrastive()
        for way, make in self._ways().items():
            if not wanted or way in wanted:
                taught = make()
                yield self._outcome(way, taught)
                for loss in self.losses:
                    yield self._by_loss(way, taught, loss)

    def _ways(self) -> dict[str, Callable[[], Taught]]:
        names, every = self.split.labels, np.ones(len(self.texts))
        alone = Evidence((self.judged,), self.intended)
        both = alone.joined(self.second)
        shares = self.calibration.probabilities(both)
        flat = flattened(shares, FLAT)
        bars = self._decided(agreements([each.label for each in self.drafts], self.judged, names, DenoiseSettings()))
        sure = self.judged.max(axis=1)
        surest = sure >= np.quantile(sure, 1 - SURE_SHARE)
        anchors = Rows.alike(_of(self.judge.vectors, self.known), self.known_labels)
        return {
            "no generated rows": lambda: Taught(self.intended, 0 * every),
            "as generated": lambda: Taught(self.intended, every),
            "fixed bars": lambda: bars,
            "fixed bars, soft labels": lambda: bars._replace(soft=shares),
            "fixed bars, soft labels, weight 1": lambda: Taught(bars.labels, 1.0 * (bars.weights > 0), shares),
            "judge, its surest 60 %": lambda: Taught(self.judged.argmax(axis=1), surest * every),
            "judge, all": lambda: Taught(self.judged.argmax(axis=1), every),
            "cleanlab's defaults": self._cleanlab,
            "decision, judge alone": lambda: self._decided(decide(alone, self.texts, names, ALONE, TARGET)),
            "decision": lambda: self._decided(decide(both, self.texts, names, self.calibration, TARGET)),
            "all, soft labels by the judge alone": lambda: Taught.softly(ALONE.probabilities(alone), every),
            "all, soft labels": lambda: Taught.softly(shares, every),
            "all, soft labels, flattened": lambda: Taught.softly(flat, every),
            "all, soft labels, flattened, a round of self-training": lambda: Taught.softly(
                soft_out_of_fold(self.judge.vectors.of(self.texts), flat, self.folds, anchors), every
            ),
            "oracle filter": lambda: Taught(self.intended, (self.oracle == self.intended) * every),
            "oracle relabel": lambda: Taught(self.oracle, every),
        }

    @property
    def calibration(self) -> Calibration:
        return seed_calibration(self.plain.probabilities, self.plain.targets)

    def _heard(self, vectors: np.ndarray) -> np.ndarray:
        logits = vectors.astype(np.float64) @ self.plain.weight.T + self.plain.bias
        return flattened(np.exp(logits - logits.max(axis=1, keepdims=True)), 1.0)

    def _contrastive(self) -> Outcome:
        """The model tuned on the seeds alone, not averaged and without the guideline, and its own head."""
        test = [row.text for row in self.split.real.test]
        guesses = self.encoders.tuned(self.split).probabilities(test).argmax(axis=1)
        accuracy = self._percent(guesses)
        return Outcome(CONTRASTIVE, 0.0, float("nan"), accuracy, accuracy, accuracy)

    def _cleanlab(self) -> Taught:
        """Its defaults on out-of-fold opinions of a linear head that has the seeds too: issues are removed."""
        from cleanlab.filter import find_label_issues

        frozen = self.encoders.frozen
        rows = Rows.alike(frozen.of(self.texts), self.intended)
        anchors = Rows.alike(_of(frozen, self.known), self.known_labels)
        opinion = out_of_fold(rows, self.folds, len(self.split.labels), anchors)
        return Taught(self.intended, 1.0 - find_label_issues(self.intended, opinion))

    def _decided(self, opinions: Sequence[Agreement]) -> Taught:
        names = [each.label if each.weight > 0 else None for each in opinions]
        final = np.maximum(numbers_of(names, self.split.labels), 0)
        return Taught(final, np.array([each.weight for each in opinions]))

    def _outcome(self, way: str, taught: Taught) -> Outcome:
        kept = taught.weights > 0
        right = 100 * float(np.mean(taught.labels[kept] == self.oracle[kept])) if kept.any() else float("nan")
        heads = [self.student(each, taught.rows(each.of(self.texts))) for each in self.learners]
        return Outcome(way, float(kept.mean()), right, *heads, self._of_a_run(taught))

    def _by_loss(self, way: str, taught: Taught, loss: str) -> Outcome:
        heads = [self.student(each, taught.rows(each.of(self.texts)), loss) for each in self.learners]
        return Outcome(f"{way}, {loss}", float((taught.weights > 0).mean()), float("nan"), *heads)

    def _of_a_run(self, taught: Taught) -> float:
        """The mean over students of a run, one a seed."""
        if not self.students:
            return float("nan")
        names, guideline = self.split.labels, map(TrainingRow.of, self.split.task.guideline)
        rows = (*guideline, *taught.training_rows(self.texts, names))
        seeds, test = tuple(map(TrainingRow.of, self.split.seeds)), [row.text for row in self.split.real.test]
        found = []
        for settings in self.students:
            with tempfile.TemporaryDirectory(prefix="noise-") as folder:
                output = Path(folder) / "student"
                StudentTrainer(StudentJob(tuple(names), seeds, self.judge.folder, output, settings, rows)).run()
                found.append(self._percent(numbers_of(Student.load(output).predict(test)[0], names)))
        return float(np.mean(found))

    @property
    def learners(self) -> tuple[Vectors, Vectors]:
        """The encoders that heads are fitted on: the frozen one, and the judge's."""
        return self.encoders.frozen, self.judge.vectors

    def student(self, encoder: Vectors, rows: Rows, loss: str | None = None) -> float:
        """Seeds and guideline are always learnt from."""
        known = Rows.alike(_of(encoder, self.known), self.known_labels).joined(rows)
        test = encoder.of([row.text for row in self.split.real.test])
        if loss is None:
            return self._percent(head_probabilities(known, test, len(self.split.labels)).argmax(axis=1))
        vectors, targets, weights = (torch.from_numpy(np.ascontiguousarray(each)) for each in known)
        none = torch.full((len(targets), len(self.split.labels)), torch.nan)
        minimised = LOSSES[loss](StudentSettings(), none)
        head = fit_linear(minimised, vectors.float(), targets, weights.float(), none.shape[1], lambda logits: logits)
        return self._percent((torch.from_numpy(test).float() @ head[0].T + head[1]).argmax(dim=1).numpy())

    def _percent(self, guesses: np.ndarray) -> float:
        true = numbers_of([row.label for row in self.split.real.test], self.split.labels)
        return 100 * float(np.mean(guesses == true))


def _of(encoder: Vectors, rows: list[Example]) -> np.ndarray:
    return encoder.of([row.text for row in rows])
