"""A student that gives a text any number of labels: a sigmoid for each."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from generation.kinds.multi_label import split
from training.job import TrainingRow
from training.students.network import Encoded
from training.students.sequence_classification import SequenceClassifier


class MultiLabelClassifier(SequenceClassifier):
    """The same model as for one label; its config says that the problem is another.

    A sigmoid is a softmax over (0, logit), so each label of a text is a choice of two, and every loss does.
    """

    link: ClassVar[str] = "sigmoid"
    config: ClassVar[dict[str, object]] = {"problem_type": "multi_label_classification"}

    def targets(self, row: TrainingRow, encoded: Encoded) -> list[int]:
        carried = split(row.label)
        return [int(label in carried) for label in self.columns]

    def choices(self, logits: Tensor) -> Tensor:
        flat = logits.flatten()
        return torch.stack([torch.zeros_like(flat), flat], dim=1)

    def choices_of(self, probabilities: Tensor) -> Tensor:
        flat = probabilities.flatten()
        return torch.stack([1 - flat, flat], dim=1)
