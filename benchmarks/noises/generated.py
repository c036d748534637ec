"""Generated rows against an oracle's labels: what is kept and right, and what a student gains by it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from yardstick.cleaning import Draft
from yardstick.encoders import PROBE_C, Encoders, Vectors
from yardstick.sets import Split

from denoise.noise.agreement import agreements
from denoise.noise.calibration import ALONE, Calibration, Evidence, numbers_of, seed_calibration
from denoise.noise.decision import TARGET, decide
from denoise.noise.folds import fold_of
from denoise.noise.out_of_fold import Rows, head_probabilities, out_of_fold
from denoise.noise.soft import flattened, soft_out_of_fold, soft_rows
from denoise.settings import DenoiseSettings
from generation.task import Example
from training.plain import fit_plain

SURE_SHARE = 0.6  # of rows that the first trial's rule kept


@dataclass(frozen=True)
class Outcome:
    """Of the rows of one split under one way: the share that is kept (or relabelled), the percent of these that carry
    the oracle's label, and the accuracy of linear heads on the `frozen` and on the judge's encoder, percent.
    """

    way: str
    kept: float
    right: float
    frozen: float
    tuned: float


@dataclass
class Generated:
    """One split's rows after filters and deduplication, and what is known of them."""

    split: Split
    drafts: list[Draft]
    encoders: Encoders

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

    def ways(self) -> Iterator[Outcome]:
        """All ways of cleaning, and the baselines."""
        labels, every = self.split.labels, np.ones(len(self.texts))
        yield self._outcome("no generated rows", self.intended, 0 * every)
        yield self._contrastive()
        yield self._outcome("as generated", self.intended, every)
        opinions = agreements([draft.label for draft in self.drafts], self.judged, labels, DenoiseSettings())
        yield self._decided("fixed bars (default)", opinions)
        sure = self.judged.max(axis=1)
        least = np.quantile(sure, 1 - SURE_SHARE)
        yield self._outcome("judge, its surest 60 %", self.judged.argmax(axis=1), (sure >= least) * every)
        yield self._outcome("judge, all", self.judged.argmax(axis=1), every)
        yield self._cleanlab()
        alone = Evidence((self.judged,), self.intended)
        yield self._decided("decision, judge alone", decide(alone, self.texts, labels, ALONE, TARGET))
        both, calibration = alone.joined(self.second), self.calibration
        yield self._decided("decision", decide(both, self.texts, labels, calibration, TARGET))
        soft = flattened(calibration.probabilities(both))
        yield self._softly("decision, soft labels", soft)
        anchors = Rows.alike(_of(self.judge.vectors, self.known), self.known_labels)
        again = soft_out_of_fold(self.judge.vectors.of(self.texts), soft, self.folds, anchors)
        yield self._softly("decision, soft labels, a round of self-training", again)
        yield self._outcome("oracle filter", self.intended, (self.oracle == self.intended) * every)
        yield self._outcome("oracle relabel", self.oracle, every)

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
        return Outcome("contrastive seeds model", 0.0, float("nan"), accuracy, accuracy)

    def _cleanlab(self) -> Outcome:
        """Its defaults on out-of-fold opinions of a linear head that has the seeds too: issues are removed."""
        from cleanlab.filter import find_label_issues

        frozen = self.encoders.frozen
        rows = Rows.alike(frozen.of(self.texts), self.intended)
        anchors = Rows.alike(_of(frozen, self.known), self.known_labels)
        opinion = out_of_fold(rows, self.folds, len(self.split.labels), anchors)
        return self._outcome("cleanlab", self.intended, 1.0 - find_label_issues(self.intended, opinion))

    def _decided(self, way: str, opinions: list) -> Outcome:
        names = [each.label if each.weight > 0 else None for each in opinions]
        final = np.maximum(numbers_of(names, self.split.labels), 0)
        return self._outcome(way, final, np.array([each.weight for each in opinions]))

    def _softly(self, way: str, soft: np.ndarray) -> Outcome:
        """All rows under soft labels; right is whether the likeliest is the oracle's."""
        every = np.ones(len(soft))
        heads = [self.student(each, soft_rows(each.of(self.texts), soft, every)) for each in self.learners]
        return Outcome(way, 1.0, 100 * float(np.mean(soft.argmax(axis=1) == self.oracle)), *heads)

    def _outcome(self, way: str, labels: np.ndarray, weights: np.ndarray) -> Outcome:
        kept = weights > 0
        right = 100 * float(np.mean(labels[kept] == self.oracle[kept])) if kept.any() else float("nan")
        rows = [Rows(each.of(self.texts), labels, weights).chosen(kept) for each in self.learners]
        heads = [self.student(each, part) for each, part in zip(self.learners, rows, strict=True)]
        return Outcome(way, float(kept.mean()), right, *heads)

    @property
    def learners(self) -> tuple[Vectors, Vectors]:
        """The encoders that heads are fitted on: the frozen one, and the judge's."""
        return self.encoders.frozen, self.judge.vectors

    def student(self, encoder: Vectors, rows: Rows) -> float:
        """Seeds and guideline are always learnt from."""
        known = Rows.alike(_of(encoder, self.known), self.known_labels).joined(rows)
        test = encoder.of([row.text for row in self.split.real.test])
        return self._percent(head_probabilities(known, test, len(self.split.labels)).argmax(axis=1))

    def _percent(self, guesses: np.ndarray) -> float:
        true = numbers_of([row.label for row in self.split.real.test], self.split.labels)
        return 100 * float(np.mean(guesses == true))


def _of(encoder: Vectors, rows: list[Example]) -> np.ndarray:
    return encoder.of([row.text for row in rows])
