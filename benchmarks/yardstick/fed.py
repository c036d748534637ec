"""What a feed makes of a split's unlabelled rows, as `labelmill feed --no-lm` decides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import softmax

from cluster.feed.joining import Decided, decide_picks
from cluster.feed.lens import disagreement, margins_of
from cluster.feed.opinions import PAIR
from cluster.feed.record import FOR_PEOPLE
from cluster.feed.settings import FeedSettings
from denoise.picking import Candidates, pick
from training.head import fit_head, sharpen
from training.job import TrainingRow
from training.out_of_scope import Fence
from training.plain import Plain, fit_plain
from yardstick.encoders import Encoders, Probe
from yardstick.sets import UNLABELLED, Split


@dataclass
class Fed:
    """The first 500 rows of a split that are no seeds."""

    split: Split
    encoders: Encoders

    @property
    def labels(self) -> list[str]:
        return self.split.labels

    @cached_property
    def texts(self) -> list[str]:
        return [row.text for row in self.split.rest[:UNLABELLED]]

    @cached_property
    def true(self) -> list[str]:
        """The labels that nobody has but people who look."""
        return [str(row.label) for row in self.split.rest[:UNLABELLED]]

    @cached_property
    def plain(self) -> Plain:
        """The plain opinion, from seeds and guideline."""
        known = [*self.split.seeds, *self.split.task.guideline]
        targets = np.array([self.labels.index(str(row.label)) for row in known])
        vectors = self.encoders.frozen.of([row.text for row in known])
        return fit_plain(vectors, targets, len(self.labels), len(self.split.seeds), self.encoders.settings.judge_c)

    @cached_property
    def plainly(self) -> np.ndarray:
        """What it says of the texts, float64 [n, labels]."""
        vectors = self.encoders.frozen.of(self.texts).astype(np.float64)
        return softmax(vectors @ self.plain.weight.T + self.plain.bias, axis=1)

    @cached_property
    def outside(self) -> np.ndarray:
        """Which texts seem to be of no label, bool [n]."""
        seeds = self.split.seeds
        targets = np.array([self.labels.index(str(row.label)) for row in seeds])
        fence = Fence.around(self.encoders.frozen.of([row.text for row in seeds]), targets)
        return fence.outside(self.encoders.frozen.of(self.texts))

    def student(self, rows: Sequence[TrainingRow]) -> np.ndarray:
        """What a head on the judge's encoder says of the texts, trained on seeds and rows, float64 [n, labels]."""
        known = [*(TrainingRow(row.text, str(row.label)) for row in self.split.seeds), *rows]
        vectors = self.encoders.judge(self.split).vectors
        seen = vectors.of([row.text for row in known])
        targets = np.array([self.labels.index(row.label) for row in known])
        weights = np.array([row.weight for row in known])
        head = sharpen(*fit_head(seen, targets, len(self.labels), self.encoders.settings.judge_c, weights), seen)
        return Probe(self.labels, *head).probabilities(vectors.of(self.texts))

    def picked(self, student: np.ndarray, rows: Sequence[TrainingRow], settings: FeedSettings) -> list[int]:
        """Places of the `settings.take` texts that a feed picks; `rows` are known beside the seeds.

        Unlike a feed it leaves no near copies out.
        """
        known = self.encoders.frozen.of([*(seed.text for seed in self.split.seeds), *(row.text for row in rows)])
        vectors = self.encoders.frozen.of(self.texts)
        candidates = Candidates(
            keys=np.random.default_rng(self.split.number).random(len(self.texts)),
            margins=margins_of(student),
            disagreements=disagreement(student, self.plainly),
            distances=1 - (vectors @ known.T).max(axis=1).astype(float),
            inside=~self.outside,
            sources=[""] * len(self.texts),
            vectors=vectors,
        )
        return sorted(pick(candidates, settings.take, settings.mix))

    def decided(
        self, student: np.ndarray, settings: FeedSettings, looks: int = 0, places: Sequence[int] | None = None
    ) -> list[Decided]:
        """One decision a text, in order; of those at `places` only. The id of a decision is its text's place."""
        chosen = np.arange(len(self.texts)) if places is None else np.array(places, np.int64)
        ids, opinions = [f"{place:04}" for place in chosen], (student[chosen], self.plainly[chosen])
        return decide_picks(ids, opinions, PAIR, self.outside[chosen], self.labels, settings, looks)

    def joined(self, decided: Sequence[Decided]) -> list[TrainingRow]:
        """Those that join, and, with their true labels, those that people look at."""
        rows = []
        for each in decided:
            place = int(each.id)
            if each.status == "accepted":
                rows.append(TrainingRow(self.texts[place], each.label, each.weight))
            elif each.reason == FOR_PEOPLE:
                rows.append(TrainingRow(self.texts[place], self.true[place]))
        return rows
