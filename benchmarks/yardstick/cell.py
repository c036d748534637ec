"""One split of one set, and all that its arms share: generated rows, opinions on them, the oracle's labels."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from cluster.config import TaskConfig
from denoise.diversity import copy_rate, distinct
from generation.records import digest
from training.job import TrainingRow
from yardstick.cleaning import Draft, clean
from yardstick.corpus import Corpora, Corpus, CorpusSpec
from yardstick.encoders import Encoders, Probe, Tuned, Vectors
from yardstick.sets import Split


@dataclass
class Cell:
    """`rows` generated rows per label, under the settings of `config`; everything is made when first asked for."""

    split: Split
    rows: int
    config: TaskConfig
    corpora: Corpora
    encoders: Encoders
    _others: dict[str, Cell] = field(default_factory=dict, repr=False)

    def written_with(self, changes: Mapping[str, Any]) -> Cell:
        """The same cell with rows of other settings of `generation`; itself without changes."""
        if not changes:
            return self
        name = json.dumps(changes, sort_keys=True)
        if name not in self._others:
            generation = self.config.generation.model_copy(update=dict(changes))
            config = self.config.model_copy(update={"generation": generation})
            self._others[name] = replace(self, config=config, _others={})
        return self._others[name]

    @property
    def labels(self) -> list[str]:
        return self.split.labels

    @property
    def spec(self) -> CorpusSpec:
        return CorpusSpec(self.split, self.config.generation, self.rows)

    @property
    def split_key(self) -> str:
        """Hash of what an arm knows that takes no generated rows."""
        task = self.split.task
        labels = [label.model_dump(mode="json") for label in task.labels]
        return digest(task.description, labels, sorted(seed.id for seed in task.seeds), self.rows)

    @cached_property
    def corpus(self) -> Corpus:
        return self.corpora.get(self.spec)

    @cached_property
    def drafts(self) -> list[Draft]:
        """Generated rows after filters and deduplication."""
        return clean(self.corpus.rows, self.split.task, self.config.denoise)

    @property
    def texts(self) -> list[str]:
        return [draft.text for draft in self.drafts]

    @property
    def intended(self) -> list[str]:
        return [draft.label for draft in self.drafts]

    @property
    def judge(self) -> Tuned:
        """The product's judge of the split's seeds."""
        return self.encoders.judge(self.split)

    @property
    def tuned(self) -> Tuned:
        """The contrastive model that is not averaged."""
        return self.encoders.tuned(self.split)

    @property
    def frozen(self) -> Vectors:
        return self.encoders.frozen

    @cached_property
    def probe(self) -> Probe:
        """A linear head on the frozen encoder, from the seeds."""
        seeds = self.split.seeds
        return Probe.fit(
            self.frozen.of([seed.text for seed in seeds]), [str(seed.label) for seed in seeds], self.labels
        )

    @cached_property
    def judged(self) -> np.ndarray:
        """The judge's probabilities of the drafts, float64 [n, labels]."""
        return self.judge.probabilities(self.texts)

    @cached_property
    def probed(self) -> np.ndarray:
        """The probe's probabilities of the drafts, float64 [n, labels]."""
        return self.probe.probabilities(self.frozen.of(self.texts))

    @cached_property
    def true(self) -> list[str]:
        """The oracle's labels of the drafts."""
        return self.encoders.oracle(self.split.real).predict(self.frozen.of(self.texts))

    def quality(self, rows: Sequence[TrainingRow]) -> dict[str, float | None]:
        """Of generated rows: percent whose label is the oracle's, distinct word bigrams, share of seed copies.

        The corpus as it came from the engine is what the copies are counted in: filters leave none.
        """
        true = dict(zip(self.texts, self.true, strict=True))
        made = [row for row in rows if row.text in true]
        right = [true[row.text] == row.label for row in made]
        raw = self.corpus.rows["text"].to_pylist()
        seeds = [seed.text for seed in self.split.seeds]
        return {
            "label_right": 100 * sum(right) / len(right) if right else None,
            "distinct_2": distinct([row.text for row in made], 2),
            "copy_rate": copy_rate(raw, seeds, self.config.denoise.seed_copy),
        }
