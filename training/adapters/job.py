"""Which adapters are to be trained, on what, and what came of it. Imports no torch."""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from generation.location import Location
from generation.methods.base import Method
from generation.records import digest
from generation.task import Example, Task
from training.adapters.settings import AdapterSettings
from training.progress import Look

RESULT_FILE, ADAPTERS_FILE = "training.json", "adapters.json"


@dataclass(frozen=True)
class AdapterJob:
    """The adapters of a method, for all labels of a task at once: the base model is loaded once.

    They learn to write the task's seeds, and `rows` that were accepted in earlier rounds, when asked as `method` asks.
    `exemplars` is the most that a prompt holds. `output` is written once, when they are finished and sealed.
    """

    task: Task
    method: Method
    model_folder: Path
    model_hash: str
    exemplars: int
    settings: AdapterSettings
    output: Location
    rows: tuple[Example, ...] = ()

    def __post_init__(self) -> None:
        if self.method.adapting is None:
            raise ValueError(f"the method must be one that trains adapters; got {self.method.name!r}")

    @property
    def labels(self) -> list[str]:
        return self.task.label_names

    def held_out(self) -> dict[str, list[Example]]:
        """Seeds of each label that training does not see, decided by their content; none of fewer than four.

        The last seed of an attribute's value is not held out.
        """
        share = self.settings.held_out
        left = Counter(pair for label in self.labels for seed in self.task.seeds_of(label) for pair in seed.attributes)
        held = dict[str, list[Example]]()
        for label in self.labels:
            seeds, held[label] = sorted(self.task.seeds_of(label), key=lambda seed: seed.id), []
            most = math.floor(share * len(seeds)) if len(seeds) >= 4 else 0
            for seed in seeds:
                if len(held[label]) < most and all(left[pair] > 1 for pair in seed.attributes):
                    held[label].append(seed)
                    left.subtract(seed.attributes)
        return held

    def trainer(self, device: Any, parallelise: Any) -> Any:
        """What trains them (adapters/trainer.py), in a worker; it adds up gradients itself."""
        from training.adapters.trainer import AdapterTrainer

        return AdapterTrainer(self, device)

    @property
    def key(self) -> str:
        """Hash of everything that decides the adapters; where they are written, and by how many, does not."""
        told = [each.model_dump(mode="json") for each in (*self.task.labels, *self.task.attributes)]
        task = [self.task.description, told]
        seeds, rows = sorted(seed.id for seed in self.task.seeds), [row.id for row in self.rows]
        asked = [self.method.name, self.method.form.name, self.method.source, self.exemplars]
        return digest(task, seeds, rows, asked, self.model_hash, self.settings.model_dump(exclude={"shard"}))


@dataclass(frozen=True)
class AdapterResult:
    """Finished adapters: the folder of each label's in `folder`; `curve` are the looks at the held-out seeds.

    Labels `without_effect` are left to the base model: their adapters hardly moved it.

    A look's `macro_f1` is here the share of held-out seeds that are likeliest under their own label, its `loss` the
    label contrast: the cross-entropy of the own label among all, by the likelihood of the whole text.
    """

    folder: Location
    adapters: dict[str, str]
    without_effect: tuple[str, ...]
    steps: int
    best_step: int
    curve: tuple[Look, ...]
    seconds: float
    resumes: int = 0

    def write(self, folder: Path) -> None:
        """Write it, less the folder itself."""
        values = {**asdict(self), "curve": [look._asdict() for look in self.curve]}
        del values["folder"], values["adapters"]
        (folder / RESULT_FILE).write_text(json.dumps(values, indent=1))
        (folder / ADAPTERS_FILE).write_text(json.dumps(self.adapters, indent=1, ensure_ascii=False))

    @classmethod
    def load(cls, folder: Location) -> AdapterResult:
        values = json.loads((folder / RESULT_FILE).read_text())
        curve = tuple(Look(**look) for look in values.pop("curve"))
        values["without_effect"] = tuple(values["without_effect"])
        return cls(folder=folder, adapters=json.loads((folder / ADAPTERS_FILE).read_text()), curve=curve, **values)
