"""What a student is trained on, and what came of it. Imports no torch."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

from generation.location import Location
from generation.models import model_hash
from generation.records import digest
from training.folders import local_folder
from training.progress import Look
from training.settings import StudentSettings

RESULT_FILE = "training.json"


class TrainingRow(NamedTuple):
    """A text, its label, and what it counts in the loss; weight 0 leaves it out."""

    text: str
    label: str
    weight: float = 1.0


@dataclass(frozen=True)
class StudentJob:
    """One student to train.

    `seeds` are replayed `settings.seed_weight` times among `rows`. `dev` rows choose the step that is kept; with
    none, `settings.steps` steps are run and the last is kept. `init_folder` is an encoder or a judge. `output`
    is written once, when the student is finished.
    """

    labels: tuple[str, ...]
    seeds: tuple[TrainingRow, ...]
    init_folder: Location
    output: Location
    settings: StudentSettings
    rows: tuple[TrainingRow, ...] = ()
    dev: tuple[TrainingRow, ...] = ()

    def __post_init__(self) -> None:
        if unknown := sorted({row.label for row in (*self.seeds, *self.rows, *self.dev)} - set(self.labels)):
            raise ValueError(f"rows must carry one of the labels {list(self.labels)}; got {unknown}")
        if negative := [row for row in (*self.seeds, *self.rows) if not row.weight >= 0]:
            raise ValueError(f"weights must be at least 0; got {negative[0]}")
        if not self.examples():
            raise ValueError("a student needs at least one row of positive weight; got none")

    def examples(self) -> list[TrainingRow]:
        """What an epoch holds, in a fixed order; seeds alone are taken once."""
        replays = self.settings.seed_weight if self.rows else 1
        return [row for row in (*self.rows, *self.seeds * replays) if row.weight > 0]

    @property
    def key(self) -> str:
        """Hash of everything that decides the student; where it is written does not."""
        settings = self.settings.model_dump(exclude={"model"})
        start = model_hash(local_folder(self.init_folder))
        return digest(self.labels, self.seeds, self.rows, self.dev, settings, start)


@dataclass(frozen=True)
class StudentResult:
    """A finished student. `loss` is the training loss of its last step, `curve` one look per evaluation.

    `resumes` counts how often it went on from a checkpoint; `seconds` are those of the steps alone.
    """

    folder: Location
    steps: int
    best_step: int
    curve: tuple[Look, ...]
    loss: float
    seconds: float
    seconds_per_step: float
    seed: int
    resumes: int = 0

    def write(self, folder: Path) -> None:
        """Write it, less the folder itself, as training.json."""
        values = {**asdict(self), "curve": [look._asdict() for look in self.curve]}
        del values["folder"]
        (folder / RESULT_FILE).write_text(json.dumps(values, indent=1))

    @classmethod
    def load(cls, folder: Location) -> StudentResult:
        values = json.loads((folder / RESULT_FILE).read_text())
        curve = tuple(Look(**look) for look in values.pop("curve"))
        return cls(folder=folder, curve=curve, **values)
