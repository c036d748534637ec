"""Sentence embeddings: the mean of a BERT-like encoder's last hidden states, of length 1."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import normalize
from transformers import AutoModel, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase
from transformers.utils import logging

from training.packing import PACKABLE, Packed, pack

logging.disable_progress_bar()  # models of a second's loading, in every worker
TOKENS = 2048  # tokens encoded together when nothing is trained


class Tokenizer:
    """Texts to token ids, and token ids to batches that fit the model's type."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, model_type: str) -> None:
        self.tokenizer = tokenizer
        self.shared_rows = model_type in PACKABLE

    @classmethod
    def load(cls, folder: Path | str, model_type: str, max_length: int | None) -> Tokenizer:
        """`max_length` in tokens (None: as the folder says) is saved with the tokenizer."""
        longest = {} if max_length is None else {"model_max_length": max_length}
        return cls(AutoTokenizer.from_pretrained(folder, **longest), model_type)

    def ids(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of each text with its special tokens, cut at the longest length."""
        return self.tokenizer(list(texts), truncation=True)["input_ids"] if texts else []

    def batch(self, ids: Sequence[Sequence[int]]) -> Packed:
        return pack(ids, self.tokenizer.pad_token_id, self.shared_rows)

    def buckets(self, ids: Sequence[Sequence[int]]) -> Iterator[tuple[list[int], Packed]]:
        """Batches of texts of like length, with the texts' places in `ids`, each at most TOKENS tokens."""
        order = sorted(range(len(ids)), key=lambda index: len(ids[index]))
        while order:
            count = max(1, TOKENS // len(ids[order[-1]]))
            chosen, order = order[-count:], order[:-count]
            yield chosen, self.batch([ids[index] for index in chosen])


class Encoder(nn.Module):
    """An encoder with its tokenizer; `model` is the Hugging Face model."""

    def __init__(self, model: PreTrainedModel, tokenizer: Tokenizer) -> None:
        super().__init__()
        self.model, self.tokenizer = model.eval(), tokenizer

    @classmethod
    def load(cls, folder: Path | str, max_length: int | None = None) -> Encoder:
        """Read a Hugging Face folder (safetensors, no remote code) in float32."""
        model = AutoModel.from_pretrained(folder, dtype=torch.float32, use_safetensors=True)
        return cls(model, Tokenizer.load(folder, model.config.model_type, max_length))

    def forward(self, batch: Packed) -> Tensor:
        """Last hidden states of the batch's rows: [r, t, d]."""
        return self.model(**self._inputs(batch)).last_hidden_state

    def middle(self, batch: Packed) -> Tensor:
        """Hidden states halfway up: [r, t, d]."""
        states = self.model(**self._inputs(batch), output_hidden_states=True).hidden_states
        return states[len(states) // 2]

    def _inputs(self, batch: Packed) -> dict[str, Tensor]:
        return batch.inputs() if self.tokenizer.shared_rows else batch.plain_inputs()

    @torch.inference_mode()
    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """Unit vectors of `texts` in their order: float32 [n, d]."""
        vectors = np.zeros((len(texts), self.model.config.hidden_size), dtype=np.float32)
        for places, batch in self.tokenizer.buckets(self.tokenizer.ids(texts)):
            batch = batch.to(self.model.device)
            vectors[places] = normalize(batch.mean(self(batch)), dim=-1).cpu().numpy()
        return vectors

    def save(self, folder: Path) -> None:
        self.model.save_pretrained(folder)
        self.tokenizer.tokenizer.save_pretrained(folder)
