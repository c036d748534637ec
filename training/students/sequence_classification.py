"""A student that gives a text one label: the standard Hugging Face class, so its folder loads anywhere."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

from torch import Tensor
from transformers import AutoModelForSequenceClassification

from training.job import TrainingRow
from training.packing import Packed
from training.students.mean_layer import add_mean_layer
from training.students.network import Encoded, Network


class SequenceClassifier(Network):
    """`AutoModelForSequenceClassification` fed with packed batches; its logits equal the plain model's."""

    auto: ClassVar[Any] = AutoModelForSequenceClassification

    @classmethod
    def start(cls, folder: Path | str, labels: Sequence[str], max_length: int, seed: int) -> Self:
        """As other kinds start, but reading the mean of a text's tokens."""
        student = super().start(folder, labels, max_length, seed)
        add_mean_layer(student.model)
        return student

    @property
    def labels(self) -> list[str]:
        return self.columns

    def forward(self, batch: Packed, marks: Tensor) -> Tensor:
        """Logits [n, k] of n texts."""
        if not self.tokenizer.shared_rows:
            return self.model(**batch.plain_inputs()).logits
        hidden = self.model.bert(**batch.inputs()).last_hidden_state
        return self.model.classifier(self.model.bert.pooler(hidden.flatten(0, 1)[marks][:, None]))

    def targets(self, row: TrainingRow, encoded: Encoded) -> list[int]:
        return [self.columns.index(row.label)]
