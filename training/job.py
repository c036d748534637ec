"""What a student is trained on, and what came of it. Imports no torch."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from generation.kinds import make_kind
from generation.location import Location
from generation.models import model_hash
from generation.records import digest
from generation.task import Example
from training.balance import balancing
from training.folders import local_folder
from training.progress import Look
from training.settings import StudentSettings

RESULT_FILE = "training.json"
ONE_LABEL = ("label", "pair")  # kinds whose rows have one label each


class TrainingRow(NamedTuple):
    """A text, its label, and what it counts in the loss; weight 0 leaves it out.

    Several labels are joined as in a dataset. Of a tagged text the label does not matter: `tokens` and `tags` do. Where
    it is not sure which label is right, `shares` has how likely some are, and is learnt in the label's place.
    """

    text: str
    label: str
    weight: float = 1.0
    tokens: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    shares: tuple[tuple[str, float], ...] = ()

    @classmethod
    def of(cls, example: Example) -> TrainingRow:
        """What a person gave, at weight 1."""
        return cls(example.text, example.label or "", 1.0, example.tokens, example.tags)


@dataclass(frozen=True)
class StudentJob:
    """One student to train, of a `kind` of task (generation/kinds).

    `seeds` are replayed `settings.seed_weight` times among `rows`. `dev` rows choose the step that is kept; with
    none, `settings.steps` steps are run and the last is kept. `init_folder` is an encoder or a judge. `teacher`
    is the judge for soft labels; none: the one that it starts from. `output` is written once, when the student is
    finished.
    """

    labels: tuple[str, ...]
    seeds: tuple[TrainingRow, ...]
    init_folder: Location
    output: Location
    settings: StudentSettings
    rows: tuple[TrainingRow, ...] = ()
    dev: tuple[TrainingRow, ...] = ()
    kind: str = "label"
    teacher: Location | None = None

    def __post_init__(self) -> None:
        every = (*self.seeds, *self.rows, *self.dev)
        carried = {name for row in every for name in (*self.names_of(row), *dict(row.shares))}
        if unknown := sorted(carried - set(self.labels)):
            raise ValueError(f"rows must carry one of the labels {list(self.labels)}; got {unknown}")
        if negative := [row for row in (*self.seeds, *self.rows) if not row.weight >= 0]:
            raise ValueError(f"weights must be at least 0; got {negative[0]}")
        if self.kind not in ONE_LABEL and any(row.shares for row in every):
            raise ValueError(f"only rows of kind {' or '.join(ONE_LABEL)} have shares of labels; got {self.kind!r}")
        if odd := [row for row in every if row.shares and not _are_shares(row.shares)]:
            raise ValueError(f"shares must be at least 0 and not all 0; got {odd[0]}")
        if not self.examples():
            raise ValueError("a student needs at least one row of positive weight; got none")

    def examples(self) -> list[TrainingRow]:
        """What an epoch holds, in a fixed order, the seeds last; seeds alone are taken once.

        Of one label each, they weigh as `settings.balance` has it.
        """
        rows, seeds = ([row for row in part if row.weight > 0] for part in (self.rows, self.seeds))
        every = [*rows, *seeds * self._replays(len(rows), len(seeds))]
        return self._balanced(every) if self.settings.balance and self.kind in ONE_LABEL and every else every

    def _balanced(self, rows: list[TrainingRow]) -> list[TrainingRow]:
        weights, places = np.array([row.weight for row in rows]), {name: at for at, name in enumerate(self.labels)}
        targets = np.array([places[row.label] for row in rows])
        factors = balancing(targets, self.settings.balance, weights).tolist()
        return [row._replace(weight=row.weight * factor) for row, factor in zip(rows, factors, strict=True)]

    def _replays(self, rows: int, seeds: int) -> int:
        share = self.settings.seed_share
        if not self.rows or not seeds:
            return 1
        return self.settings.seed_weight if share is None else round(share * rows / ((1 - share) * seeds))

    def names_of(self, row: TrainingRow) -> tuple[str, ...]:
        """The labels that a row carries."""
        example = Example(row.text, row.label, tokens=row.tokens, tags=row.tags)
        return make_kind(self.kind, self.labels).names_of(example)

    def labels_without_rows(self) -> list[str]:
        """Those that no example carries."""
        seen = {name for row in self.examples() for name in self.names_of(row)}
        return [label for label in self.labels if label not in seen]

    def from_cold(self) -> StudentJob:
        """The same with as many steps as a start from a plain encoder takes, whose head does not know anything yet.

        One label a text is soon learnt: of a few seeds no more steps than others take (docs/students.md).
        """
        settings = self.settings
        least = settings.steps if self.kind in ONE_LABEL else settings.cold_steps
        seen = math.ceil(settings.cold_epochs * len(self.examples()) / settings.batch_size)
        return replace(self, settings=settings.model_copy(update={"steps": max(least, seen)}))

    def trainer(self, device: Any, parallelise: Any) -> Any:
        """What trains it (training/trainer.py), in a worker."""
        from training.trainer import StudentTrainer

        return StudentTrainer(self, device, parallelise)

    @property
    def key(self) -> str:
        """Hash of everything that decides the student; where it is written, and by how many it is trained, does not."""
        settings = self.settings.model_dump(exclude={"model", "shard"})
        models = [model_hash(local_folder(each)) for each in (self.init_folder, self.teacher) if each is not None]
        return digest(self.kind, self.labels, self.seeds, self.rows, self.dev, settings, models)


def _are_shares(shares: tuple[tuple[str, float], ...]) -> bool:
    return all(share >= 0 for _, share in shares) and sum(share for _, share in shares) > 0


@dataclass(frozen=True)
class StudentResult:
    """A finished student. `loss` is the training loss of its last step, `curve` one look per evaluation.

    `resumes` counts how often it went on from a checkpoint; `seconds` are those of the steps alone; `truncated` is the
    share of its rows that were cut at the longest length, `loss_name` what it minimised.
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
    truncated: float = 0.0
    loss_name: str = ""

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
