"""Easy data augmentation (Wei & Zou 2019) of the seeds: the free way to more text."""

from __future__ import annotations

import random
from collections.abc import Sequence

from generation.methods.eda import Synonyms, change, turn_of
from generation.task import Example


def augment(seeds: Sequence[Example], per_label: int, synonyms: Synonyms, seed: int = 0) -> list[Example]:
    """About `per_label` new texts of each label: its seeds in turn, each changed by one of the four operations."""
    draw = random.Random(seed)
    rows = []
    for label in dict.fromkeys(str(example.label) for example in seeds):
        own = [example for example in seeds if example.label == label]
        for number in range(per_label):
            text = own[number % len(own)].text
            rows.append(Example(change(text, turn_of(number, len(own)), draw, synonyms), label))
    return rows
