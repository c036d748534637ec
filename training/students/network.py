"""What students of all kinds have in common: a standard Hugging Face model, fed with packed batches."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from training.encoder import Tokenizer
from training.job import TrainingRow
from training.packing import Packed
from training.sharding import shard
from training.spec import StudentSpec

Input = str | Sequence[str]  # a text, or the words of one


class Encoded(NamedTuple):
    """A text's token ids; `marks` are the tokens that get logits, `units` what they stand for: words by their number.

    A text as a whole is marked at its first token.
    """

    ids: Sequence[int]
    marks: Sequence[int] = (0,)
    units: Sequence[int] = (0,)


class Network(nn.Module, ABC):
    """An encoder with a head; `model` is the Hugging Face model. Dropout stays off, as in the judge.

    Every column of its logits is a label of its own head. A *choice* is what a softmax is taken over: one for each
    mark, or, where labels go together, one for each mark and label.
    """

    auto: ClassVar[Any]  # transformers' class
    unit: ClassVar[str] = "text"
    link: ClassVar[str] = "softmax"
    config: ClassVar[dict[str, object]] = {}  # what else the model's config says

    def __init__(self, model: PreTrainedModel, tokenizer: Tokenizer) -> None:
        super().__init__()
        self.model, self.tokenizer = model.eval(), tokenizer
        self.is_sharded = False

    def shard(self, device: torch.device) -> None:
        """Share its layers out among all ranks, which from now on compute it together."""
        shard(self.model, device, "student.shard")
        self.is_sharded = True

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        """Read a folder that `save` wrote."""
        return cls._read(folder, None)

    @classmethod
    def start(cls, folder: Path | str, labels: Sequence[str], max_length: int, seed: int) -> Self:
        """A new head for `labels` on the encoder in `folder` (plain or tuned); `seed` draws it."""
        columns = cls.columns_of(labels)
        names = {"id2label": dict(enumerate(columns)), "label2id": {name: place for place, name in enumerate(columns)}}
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            student = cls._read(folder, max_length, num_labels=len(columns), **names, **cls.config)
        student.model.get_input_embeddings().requires_grad_(False)
        return student

    @classmethod
    def _read(cls, folder: Path | str, max_length: int | None, **config: object) -> Self:
        model = cls.auto.from_pretrained(folder, dtype=torch.float32, use_safetensors=True, **config)
        return cls(model, Tokenizer.load(folder, model.config.model_type, max_length))

    @staticmethod
    def columns_of(labels: Sequence[str]) -> list[str]:
        """Names of the logits' columns."""
        return list(labels)

    @property
    def columns(self) -> list[str]:
        names = self.model.config.id2label
        return [names[place] for place in range(len(names))]

    @abstractmethod
    def forward(self, batch: Packed, marks: Tensor) -> Tensor:
        """Logits [u, c] of a batch's marks, their places in the flattened rows int64 [u]."""

    @abstractmethod
    def targets(self, row: TrainingRow, encoded: Encoded) -> list[int]:
        """The right one of each choice."""

    def input_of(self, row: TrainingRow) -> Input:
        """What is read of a row."""
        return row.text

    def choices(self, logits: Tensor) -> Tensor:
        """Logits [u, c] as those of choices, one after another, [m, ways]."""
        return logits

    @property
    def ways(self) -> int:
        """What a choice has to choose from."""
        return 2 if self.link == "sigmoid" else len(self.columns)

    def choices_of(self, probabilities: Tensor) -> Tensor:
        """Probabilities [u, c] as those of choices, [m, ways]."""
        return probabilities

    def cut_share(self, inputs: Sequence[Input]) -> float:
        """The share of texts that are longer than what is read of them."""
        if not inputs:
            return 0.0
        read = self.tokenizer.tokenizer
        texts = [each if isinstance(each, str) else " ".join(each) for each in inputs]
        longer = sum(len(ids) > read.model_max_length for ids in read(texts, verbose=False)["input_ids"])
        return longer / len(texts)

    def encode(self, inputs: Sequence[Input]) -> list[Encoded]:
        return [Encoded(ids) for ids in self.tokenizer.ids([str(text) for text in inputs])]

    def collate(self, encoded: Sequence[Encoded], packed: Packed | None = None) -> tuple[Packed, Tensor]:
        """Arguments of `forward`, on the model's device."""
        packed = packed or self.tokenizer.batch([each.ids for each in encoded])
        places = [
            start + mark for start, each in zip(packed.starts.tolist(), encoded, strict=True) for mark in each.marks
        ]
        device = self.model.device
        return packed.to(device), torch.tensor(places, dtype=torch.int64, device=device)

    def logits(self, inputs: Sequence[Input]) -> np.ndarray:
        """float64 [u, c]: the marks of each text, in the order of `inputs`."""
        return self.logits_of(self.encode(inputs))

    def logits_of(self, encoded: Sequence[Encoded]) -> np.ndarray:
        """The same of encoded texts."""
        return self._of_marks(encoded, self, self.model.config.num_labels)

    def features_of(self, encoded: Sequence[Encoded]) -> np.ndarray:
        """float64 [u, d]: the last hidden states of the marks, which a linear head can learn from."""
        return self._of_marks(encoded, self._hidden, self.model.config.hidden_size)

    def _hidden(self, batch: Packed, marks: Tensor) -> Tensor:
        inputs = batch.inputs() if self.tokenizer.shared_rows else batch.plain_inputs()
        return self.model.base_model(**inputs).last_hidden_state.flatten(0, 1)[marks]

    def _of_marks(self, encoded: Sequence[Encoded], compute: Any, width: int) -> np.ndarray:
        # layers that were put together in inference mode would not do for training
        with torch.no_grad() if self.is_sharded else torch.inference_mode():
            return self._compute(encoded, compute, width)

    def _compute(self, encoded: Sequence[Encoded], compute: Any, width: int) -> np.ndarray:
        found = [np.zeros((0, width))] * len(encoded)
        for places, packed in self.tokenizer.buckets([each.ids for each in encoded]):
            chosen = [encoded[place] for place in places]
            values = compute(*self.collate(chosen, packed)).double().cpu().numpy()
            for place, part in zip(places, parts_of(values, [len(each.marks) for each in chosen]), strict=True):
                found[place] = part
        return np.concatenate([np.zeros((0, width)), *found])

    def spec(self, kind: str, labels: Sequence[str]) -> StudentSpec:
        """How it is read by others."""
        length = int(self.tokenizer.tokenizer.model_max_length)
        return StudentSpec(kind, tuple(labels), tuple(self.columns), length, self.unit, self.link)

    def save(self, folder: Path, weights: dict[str, Tensor] | None = None) -> None:
        """Write it as a Hugging Face folder; `weights` are its own, whole, where they are shared out."""
        self.model.save_pretrained(folder, state_dict=weights)
        self.tokenizer.tokenizer.save_pretrained(folder)


def parts_of(values: np.ndarray, counts: Sequence[int]) -> list[np.ndarray]:
    """The rows of `values` as parts of so many each, one after another."""
    ends = np.cumsum(counts, dtype=np.int64)
    return [values[end - count : end] for count, end in zip(counts, ends, strict=True)]
