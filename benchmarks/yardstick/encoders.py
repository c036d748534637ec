"""Encoders and what was trained on them, each made once: the frozen encoder, the judges, the oracles."""

from __future__ import annotations

import io
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from pyarrow.fs import LocalFileSystem
from scipy.special import softmax

from generation.models import EMBEDDED_ENCODER, model_hash, resolve_model
from generation.parts import write_bytes
from generation.records import digest
from generation.task import Example
from training.contrastive import Judge, average_with, tune_judge, write_judge
from training.encoder import Encoder
from training.head import fit_head
from training.settings import StudentSettings
from yardstick.sets import RealSet, Split

PROBE_C = 10.0
JUDGE_VERSION = 2  # raise it when training/contrastive.py makes another judge of the same settings
_SECONDS = "seconds.txt"


@dataclass
class Vectors:
    """An encoder that embeds each text once."""

    encoder: Encoder
    _known: dict[str, np.ndarray] = field(default_factory=dict)

    def of(self, texts: Sequence[str]) -> np.ndarray:
        """Unit vectors, float32 [n, d]."""
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        self._known.update(zip(new, self.encoder.embed(new), strict=True))
        width = self.encoder.model.config.hidden_size
        return np.array([self._known[text] for text in texts]).reshape(len(texts), width)


@dataclass(frozen=True)
class Probe:
    """A logistic regression on vectors: the quick student. `labels` is the order of its columns."""

    labels: Sequence[str]
    weight: np.ndarray
    bias: np.ndarray

    @classmethod
    def fit(
        cls, vectors: np.ndarray, labels: Sequence[str], names: Sequence[str], weights: np.ndarray | None = None
    ) -> Probe:
        """From vectors [n, d], their labels [n] and weights [n]; `names` are all labels."""
        places = {name: place for place, name in enumerate(names)}
        targets = np.array([places[label] for label in labels])
        return cls(names, *fit_head(vectors, targets, len(names), PROBE_C, weights))

    def logits(self, vectors: np.ndarray) -> np.ndarray:
        """float64 [n, labels]."""
        return vectors.astype(np.float64) @ self.weight.T + self.bias

    def probabilities(self, vectors: np.ndarray) -> np.ndarray:
        """float64 [n, labels], rows sum to 1."""
        return softmax(self.logits(vectors), axis=1)

    def predict(self, vectors: np.ndarray) -> list[str]:
        return [self.labels[place] for place in self.logits(vectors).argmax(axis=1)]


@dataclass(frozen=True)
class Tuned:
    """A contrastive model: where it lies, itself, and its vectors."""

    folder: Path
    judge: Judge
    vectors: Vectors

    @classmethod
    def load(cls, folder: Path) -> Tuned:
        judge = Judge.load(folder)
        return cls(folder, judge, Vectors(judge.encoder))

    def probabilities(self, texts: Sequence[str]) -> np.ndarray:
        """float64 [n, labels]."""
        return self.judge.from_embeddings(self.vectors.of(texts))


@dataclass
class Encoders:
    """The encoders of all cells; contrastive models are kept in `folder`, by seeds and settings."""

    folder: Path
    settings: StudentSettings
    _oracles: dict[str, Probe] = field(default_factory=dict)
    _loaded: dict[Path, Tuned] = field(default_factory=dict)

    @cached_property
    def plain_folder(self) -> Path:
        return resolve_model(EMBEDDED_ENCODER)

    @cached_property
    def frozen(self) -> Vectors:
        return Vectors(Encoder.load(self.plain_folder))

    def tuned(self, split: Split) -> Tuned:
        """The contrastive model of a split's seeds as SetFit has it, not averaged with what it started from."""
        settings = self.settings.model_copy(update={"judge_share": 1.0})
        folder = self._folder(split, settings)
        if not (folder / _SECONDS).is_file():
            shutil.rmtree(folder, ignore_errors=True)  # of a call that was cut short
            began = time.monotonic()
            tune_judge(_pairs(split.seeds), split.labels, settings, folder, self.plain_folder)
            write_bytes(LocalFileSystem(), str(folder / _SECONDS), f"{time.monotonic() - began:.1f}".encode())
        return self._load(folder)

    def judge(self, split: Split) -> Tuned:
        """The product's judge: the same tuning, averaged as the settings say, its head on the guideline too."""
        folder = self._folder(split, self.settings)
        if not folder.is_dir():
            encoder = Encoder.load(self.tuned(split).folder)
            average_with(encoder, dict(self.frozen.encoder.named_parameters()), self.settings.judge_share)
            write_judge(encoder, _pairs([*split.seeds, *split.task.guideline]), split.labels, self.settings, folder)
        return self._load(folder)

    def judge_seconds(self, split: Split) -> float:
        return float((self.tuned(split).folder / _SECONDS).read_text())

    def _load(self, folder: Path) -> Tuned:
        """The vectors of one split's two models at a time: they are large."""
        if folder not in self._loaded:
            self._loaded = {kept: self._loaded[kept] for kept in list(self._loaded)[-1:]} | {folder: Tuned.load(folder)}
        return self._loaded[folder]

    def _folder(self, split: Split, settings: StudentSettings) -> Path:
        names = ("judge_steps", "judge_learning_rate", "judge_share", "judge_c", "max_length", "seed")
        seeds = [[row.text, row.label] for row in (*split.seeds, *split.task.guideline)]
        chosen = {name: getattr(settings, name) for name in names}
        return self.folder / digest(JUDGE_VERSION, seeds, split.labels, chosen, model_hash(self.plain_folder))

    def oracle(self, real: RealSet) -> Probe:
        """A probe on all real train rows of a set: it stands in for a person who checks labels."""
        if real.name not in self._oracles:
            names = [label.name for label in real.labels]
            file = self.folder / f"oracle-{digest(real.train_digest, PROBE_C, model_hash(self.plain_folder))}.npz"
            if not file.is_file():
                texts, labels = zip(*((row.text, str(row.label)) for row in real.train), strict=True)
                fitted = Probe.fit(self.frozen.of(texts), labels, names)
                whole = io.BytesIO()
                np.savez(whole, weight=fitted.weight, bias=fitted.bias)
                file.parent.mkdir(parents=True, exist_ok=True)
                write_bytes(LocalFileSystem(), str(file), whole.getvalue())
            stored = np.load(file)
            self._oracles[real.name] = Probe(names, stored["weight"], stored["bias"])
        return self._oracles[real.name]

    def oracle_accuracy(self, real: RealSet) -> float:
        """Percent of the test rows that the oracle labels right."""
        return accuracy(self.oracle(real).predict(self.frozen.of([row.text for row in real.test])), real.test)


def accuracy(predicted: Sequence[str], gold: Sequence[Example]) -> float:
    """Percent of rows predicted right."""
    return 100 * sum(guess == row.label for guess, row in zip(predicted, gold, strict=True)) / len(gold)


def _pairs(examples: Sequence[Example]) -> list[tuple[str, str]]:
    return [(example.text, str(example.label)) for example in examples]
