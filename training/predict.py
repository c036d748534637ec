"""A trained student, ready to label texts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.special import softmax

from training.students.sequence_classification import SequenceClassifier


class Student:
    """Labels and confidences; `labels` is the order of the columns of `probabilities`."""

    def __init__(self, classifier: SequenceClassifier) -> None:
        self.classifier = classifier
        self.labels = classifier.labels

    @classmethod
    def load(cls, folder: Path | str) -> Student:
        """Read any folder of `AutoModelForSequenceClassification` in safetensors."""
        return cls(SequenceClassifier.load(folder))

    def probabilities(self, texts: Sequence[str]) -> np.ndarray:
        """float64 [n, len(labels)], rows sum to 1, in float32 arithmetic."""
        return softmax(self.classifier.logits(texts), axis=1)

    def predict(self, texts: Sequence[str]) -> tuple[list[str], np.ndarray]:
        """The likeliest label of each text and its probability, float64 [n]; the first label wins a tie."""
        probabilities = self.probabilities(texts)
        return [self.labels[place] for place in probabilities.argmax(axis=1)], probabilities.max(axis=1, initial=0)
