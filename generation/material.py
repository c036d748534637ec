"""What a plan is made from: everything that a method may draw on."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field

from generation.adapters.folder import Adapter
from generation.records import digest
from generation.settings import GenerationSettings
from generation.task import Example, Task


@dataclass(frozen=True)
class Material:
    """The task, the settings, and what the run has learnt so far.

    `identity` is the run's id: draws of a method are seeded by it, by `round_` and `wave`, so that the same material
    gives the same plan; `plan_wave` sets the wave. `adapters` are those of labels. `kept` are rows accepted in earlier
    rounds, in a fixed order; `sparse` are those of each label that have the fewest like them, the most lonely first.
    `variability` tells of each seed, by id, how much its probability changed while a student learnt it (dataset
    cartography, Swayamdipta et al. 2020); `neighbours` its nearest seeds, nearest first; `synonyms` what may stand in
    place of a word of the examples. All are empty unless the method asks for them (`Method.needs`). `decks` say how
    often values of attributes come up, where not all equally often (generation/aim.py).
    """

    task: Task
    settings: GenerationSettings
    identity: str
    round_: int = 0
    adapters: Mapping[str, Adapter] = field(default_factory=dict)
    kept: tuple[Example, ...] = ()
    sparse: Mapping[str, tuple[Example, ...]] = field(default_factory=dict)
    pool: tuple[Example, ...] = ()
    variability: Mapping[str, float] = field(default_factory=dict)
    neighbours: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    synonyms: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    wave: int = 0
    decks: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    def examples_of(self, label: str) -> list[Example]:
        """What new texts of a label can be made from: its seeds by id, then the rows kept under it."""
        seeds = sorted(self.task.seeds_of(label), key=lambda seed: seed.id)
        return [*seeds, *(row for row in self.kept if row.label == label)]

    def draw(self, label: str) -> random.Random:
        """Random numbers for a label's requests in this wave."""
        return random.Random(digest(self.identity, self.round_, self.wave, label))
