"""A trained student, ready to label texts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import expit, softmax

from generation.kinds.multi_label import join, split
from generation.kinds.spans import OUTSIDE
from training.spec import SPEC_FILE, StudentSpec
from training.students import NETWORKS
from training.students.network import Encoded, Input, Network, parts_of
from training.students.sequence_classification import SequenceClassifier
from training.students.token_tagging import best_tags, split_words


class Student:
    """Labels and confidences; `labels` is the order of the columns of `probabilities`, but for tags."""

    def __init__(self, classifier: Network, spec: StudentSpec) -> None:
        self.classifier, self.spec = classifier, spec
        self.labels = list(spec.labels)

    @classmethod
    def load(cls, folder: Path | str) -> Student:
        """Read any folder that a trainer wrote, or one of `AutoModelForSequenceClassification` in safetensors."""
        if (Path(folder) / SPEC_FILE).is_file():
            spec = StudentSpec.load(Path(folder))
            return cls(NETWORKS[spec.kind].load(folder), spec)
        classifier = SequenceClassifier.load(folder)
        return cls(classifier, classifier.spec("label", classifier.labels))

    def probabilities(self, inputs: Sequence[Input]) -> np.ndarray:
        """float64 [u, columns], in float32 arithmetic: a row for each text, of tags one for each word that is read.

        Rows sum to 1 unless labels go together.
        """
        return self.to_probabilities(self.classifier.logits(inputs))

    def to_probabilities(self, logits: np.ndarray) -> np.ndarray:
        """Calibrated probabilities of logits [u, columns]."""
        scaled = logits / self.spec.temperature
        return expit(scaled) if self.spec.link == "sigmoid" else softmax(scaled, axis=1)

    def predict(self, inputs: Sequence[Input]) -> tuple[list[Any], np.ndarray]:
        """What each text gets, and the confidence in it, float64 [n]; the first label wins a tie.

        A label and its probability. Of several labels those that reach the threshold, else the likeliest one, joined;
        the confidence is that in the least certain of all decisions. Of tags a list with one for each word, and
        the confidence in the least certain one.
        """
        encoded = self.classifier.encode(inputs)
        return self.decide(inputs, encoded, self.to_probabilities(self.classifier.logits_of(encoded)))

    def decide(
        self, inputs: Sequence[Input], encoded: Sequence[Encoded], probabilities: np.ndarray
    ) -> tuple[list[Any], np.ndarray]:
        """The same from probabilities that are known."""
        if self.spec.unit == "word":
            return self._tags(inputs, encoded, probabilities)
        if self.spec.link == "sigmoid":
            return label_sets(probabilities, self.labels, self.spec.threshold)
        return [self.labels[place] for place in probabilities.argmax(axis=1)], probabilities.max(axis=1, initial=0)

    def columns(self, inputs: Sequence[Input]) -> dict[str, list[Any]]:
        """Columns of a table of predictions: those of the kind's rows, and `confidence`."""
        found, confidence = self.predict(inputs)
        sure = {"confidence": confidence.tolist()}
        if self.spec.unit == "word":
            return {"tokens": [words_of(each) for each in inputs], "tags": found} | sure
        if self.spec.link == "sigmoid":
            return {"labels": [list(split(label)) for label in found]} | sure
        return {"label": found} | sure

    def _tags(
        self, inputs: Sequence[Input], encoded: Sequence[Encoded], probabilities: np.ndarray
    ) -> tuple[list[list[str]], np.ndarray]:
        names, found, sure = list(self.spec.columns), [], []
        parts = parts_of(probabilities, [len(each.units) for each in encoded])
        for each, read, rows in zip(inputs, encoded, parts, strict=True):
            tags = [OUTSIDE] * len(words_of(each))
            places = best_tags(np.log(rows + 1e-30), names)
            for word, place in zip(read.units, places, strict=True):
                tags[word] = names[place]
            found.append(tags)
            sure.append(min((float(row[place]) for row, place in zip(rows, places, strict=True)), default=1.0))
        return found, np.array(sure, np.float64)


def words_of(given: Input) -> list[str]:
    """The words that are tagged."""
    return split_words(given) if isinstance(given, str) else list(given)


def label_sets(probabilities: np.ndarray, labels: Sequence[str], threshold: float) -> tuple[list[str], np.ndarray]:
    """The labels of each text that reach the threshold, else the likeliest one, joined; how sure the least sure is."""
    chosen = probabilities >= threshold
    chosen[np.arange(len(chosen)), probabilities.argmax(axis=1)] = True
    sure = np.where(chosen, probabilities, 1 - probabilities).min(axis=1, initial=1)
    return [join(labels[place] for place in np.flatnonzero(row)) for row in chosen], sure
