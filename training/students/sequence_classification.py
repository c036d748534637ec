"""A student that gives a text one label: the standard Hugging Face class, so its folder loads anywhere."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from transformers import AutoModelForSequenceClassification, PreTrainedModel

from training.encoder import Tokenizer
from training.packing import Packed
from training.students.mean_layer import add_mean_layer


class SequenceClassifier(nn.Module):
    """`AutoModelForSequenceClassification` fed with packed batches; its logits equal the plain model's."""

    def __init__(self, model: PreTrainedModel, tokenizer: Tokenizer) -> None:
        super().__init__()
        self.model, self.tokenizer = model.eval(), tokenizer

    @classmethod
    def load(cls, folder: Path | str) -> SequenceClassifier:
        """Read a folder that `save` wrote."""
        return cls._read(folder, None)

    @classmethod
    def start(cls, folder: Path | str, labels: Sequence[str], max_length: int, seed: int) -> SequenceClassifier:
        """A new head for `labels` on the encoder in `folder` (plain or tuned), reading the mean; `seed` draws it."""
        names = {"id2label": dict(enumerate(labels)), "label2id": {label: i for i, label in enumerate(labels)}}
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            student = cls._read(folder, max_length, num_labels=len(labels), **names)
        add_mean_layer(student.model)
        student.model.get_input_embeddings().requires_grad_(False)
        return student

    @classmethod
    def _read(cls, folder: Path | str, max_length: int | None, **config: object) -> SequenceClassifier:
        model = AutoModelForSequenceClassification.from_pretrained(
            folder, dtype=torch.float32, use_safetensors=True, **config
        )
        return cls(model, Tokenizer.load(folder, model.config.model_type, max_length))

    @property
    def labels(self) -> list[str]:
        names = self.model.config.id2label
        return [names[place] for place in range(len(names))]

    def forward(self, batch: Packed) -> Tensor:
        """Logits [n, k] of n texts. Dropout stays off, as in the judge."""
        if not self.tokenizer.shared_rows:
            return self.model(**batch.plain_inputs()).logits
        hidden = self.model.bert(**batch.inputs()).last_hidden_state
        return self.model.classifier(self.model.bert.pooler(batch.first(hidden)[:, None]))

    @torch.inference_mode()
    def logits(self, texts: Sequence[str]) -> np.ndarray:
        """float64 [n, k] in the order of `texts`."""
        logits = np.zeros((len(texts), self.model.config.num_labels))
        for places, batch in self.tokenizer.buckets(self.tokenizer.ids(texts)):
            logits[places] = self(batch.to(self.model.device)).double().cpu().numpy()
        return logits

    @torch.inference_mode()
    def first_tokens(self, texts: Sequence[str]) -> np.ndarray:
        """float64 [n, d]: the last hidden state of each text's first token, before the pooler (see mean_layer)."""
        vectors = np.zeros((len(texts), self.model.config.hidden_size))
        for places, batch in self.tokenizer.buckets(self.tokenizer.ids(texts)):
            batch = batch.to(self.model.device)
            inputs = batch.inputs() if self.tokenizer.shared_rows else batch.plain_inputs()
            hidden = self.model.base_model(**inputs).last_hidden_state
            vectors[places] = batch.first(hidden).double().cpu().numpy()
        return vectors

    def save(self, folder: Path) -> None:
        self.model.save_pretrained(folder)
        self.tokenizer.tokenizer.save_pretrained(folder)
