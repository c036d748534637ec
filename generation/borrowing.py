"""Seeds of other labels, shown beside those of a label that has few.

A list of one or two says little of what the texts of a task are like, and a small LM soon writes about something else.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from generation.material import Material
from generation.records import digest
from generation.task import Example, Label

LONGEST = 1500  # characters of all that a prompt borrows: no task's context shall be too short for this


class Other(NamedTuple):
    """A seed, and the other label that it has."""

    label: Label
    seed: Example

    @property
    def length(self) -> int:
        return len(self.label.description) + len(self.seed.text)


def borrows(material: Material, label: Label) -> bool:
    """Whether prompts for a label show others' seeds: not for an adapter, which has learnt from prompts that do not."""
    few = len(material.task.seeds_of(label.name)) < material.settings.borrow_below
    return few and label.name not in material.adapters


def borrowed(material: Material, label: Label, place: int, own: Sequence[Example]) -> list[Other]:
    """What fills up the `place`-th exemplar set, which has its `own` seeds: of labels by chance and in turn.

    No label shows more seeds than the set has of its own, but one.
    """
    draw = random.Random(digest(material.identity, material.round_, "others", label.name, place))
    by_label = [_seeds_of(material, other) for other in material.task.labels if other.name != label.name]
    drawn = [draw.sample(each, len(each))[: max(1, len(own))] for each in draw.sample(by_label, len(by_label))]
    turns = (other for turn in itertools.zip_longest(*drawn) for other in turn if other is not None)
    return _that_fit(turns, _room(material, own))


def longest_borrowed(material: Material, label: Label, own: Sequence[Example]) -> list[Other]:
    """The same for a prompt that is as long as any."""
    everything = (each for other in material.task.labels if other != label for each in _seeds_of(material, other))
    return _that_fit(sorted(everything, key=lambda other: -other.length), _room(material, own))


def _room(material: Material, own: Sequence[Example]) -> int:
    return min(material.settings.borrowed, material.settings.exemplars - len(own))


def _seeds_of(material: Material, label: Label) -> list[Other]:
    return [Other(label, seed) for seed in sorted(material.task.seeds_of(label.name), key=lambda seed: seed.id)]


def _that_fit(others: Iterable[Other], count: int) -> list[Other]:
    """The first `count` that are together no longer than LONGEST."""
    taken: list[Other] = []
    room = LONGEST
    for other in others:
        if len(taken) < count and other.length <= room:
            taken.append(other)
            room -= other.length
    return taken
