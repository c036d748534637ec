"""Real sets cut to an imbalance: few labels have many examples, and many have few."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from generation.task import Example
from yardstick.sets import RealSet

MOST = 100  # examples of the most frequent label


@dataclass(frozen=True)
class Tail:
    """A draw: `order` are all labels from the most to the least frequent, `seeds` what people labelled of each."""

    real: RealSet
    number: int
    order: tuple[str, ...]
    seeds: tuple[Example, ...]
    rest: tuple[Example, ...]

    @property
    def labels(self) -> list[str]:
        return [label.name for label in self.real.labels]

    @property
    def frequent(self) -> tuple[str, ...]:
        """The most frequent third of the labels."""
        return self.order[: len(self.order) // 3]

    @property
    def rare(self) -> tuple[str, ...]:
        """The rarest third."""
        return self.order[-(len(self.order) // 3) :]

    def recall(self, guesses: Sequence[str], labels: Sequence[str]) -> float:
        """Percent of the test rows of `labels` that are told as such, the mean over these labels."""
        right: dict[str, list[bool]] = defaultdict(list)
        for guess, row in zip(guesses, self.real.test, strict=True):
            right[str(row.label)].append(guess == row.label)
        return 100 * float(np.mean([np.mean(right[label]) for label in labels]))


def cut(real: RealSet, number: int, ratio: int = 100) -> Tail:
    """The `number`-th draw: label i of n keeps MOST · ratio^(-i/(n-1)) of its train rows, as far as it has them.

    Which labels are frequent is drawn too (Cao et al. 2019, "Learning imbalanced datasets", cut sets so).
    """
    draw = random.Random(f"{real.name} tail {number}")
    order = [label.name for label in real.labels]
    draw.shuffle(order)
    by_label: dict[str, list[Example]] = defaultdict(list)
    for row in real.train:
        by_label[str(row.label)].append(row)
    seeds, rest = [], []
    for place, label in enumerate(order):
        rows = draw.sample(by_label[label], len(by_label[label]))
        wanted = max(1, round(MOST * ratio ** (-place / (len(order) - 1))))
        seeds += rows[:wanted]
        rest += rows[wanted:]
    return Tail(real, number, tuple(order), tuple(seeds), tuple(rest))
