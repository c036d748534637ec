"""`student.loss: auto`: which loss suits the rows, by linear heads that take a second or two each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from training.job import StudentJob, TrainingRow
from training.losses import LOSSES
from training.probe import by_loss
from training.settings import StudentSettings
from training.shares import soft_targets
from training.students.network import Encoded, Network

ROWS = 2000  # the most that heads are fitted on
FOLDS = 3
CLEAR = 2.0


class Seen(NamedTuple):
    """A row as a head sees it: features [u, d] of its marks, its choices, and what a teacher says of them."""

    row: TrainingRow
    features: Tensor
    targets: Tensor
    teacher: Tensor


def usual_loss(is_warm: bool) -> str:
    """What a student minimises unless settings say otherwise.

    Early learning holds what a student says at first, which is sound of one that starts from the judge. One that knows
    nothing says of every word that it is no part of a span, and with a few seeds stays with that (docs/students.md).
    """
    return "early_learning" if is_warm else "cross_entropy"


def choose_loss(job: StudentJob, student: Network, rows: Sequence[TrainingRow], teacher: Tensor, usual: str) -> str:
    """The loss whose head gets most choices of the dev rows right, of none, those of seeds held out in FOLDS folds.

    The `usual` one, unless another's gain is more than CLEAR standard errors: a handful of rows says no more. `teacher`
    is as in training/losses.py, for the choices of `rows`, the job's examples. The student's encoder stays as it is.
    """
    order = torch.randperm(len(rows), generator=torch.Generator().manual_seed(job.settings.seed)).tolist()
    trained = see(student, rows, teacher, set(order[:ROWS]))
    if job.dev:
        tries = [(trained, see(student, job.dev))]
    else:
        tries = [part for fold in range(FOLDS) if all(part := _without(trained, sorted(set(job.seeds))[fold::FOLDS]))]
    if not tries:
        return usual
    found = {name: np.concatenate([try_loss(job.settings, student, name, *each) for each in tries]) for name in LOSSES}
    gains = {name: right - found[usual] for name, right in found.items()}
    bars = {name: CLEAR * each.std() / np.sqrt(len(each)) for name, each in gains.items()}
    clear = {name: each.mean() for name, each in gains.items() if each.mean() > bars[name]}
    return max(clear, key=lambda name: clear[name], default=usual)


def see(
    student: Network, rows: Sequence[TrainingRow], teacher: Tensor | None = None, which: set[int] | None = None
) -> list[Seen]:
    """The rows, or `which` of them, in their order."""
    encoded: list[Encoded] = student.encode([student.input_of(row) for row in rows])
    targets = [student.targets(row, each) for row, each in zip(rows, encoded, strict=True)]
    chosen = [place for place in range(len(rows)) if which is None or place in which]
    counts = [len(encoded[place].marks) for place in chosen]
    features = torch.from_numpy(student.features_of([encoded[place] for place in chosen])).float()
    parts = torch.split(features, counts)
    told = [None] * len(rows) if teacher is None else torch.split(teacher.cpu(), [len(each) for each in targets])
    return [
        Seen(
            rows[place],
            part,
            torch.tensor(targets[place], dtype=torch.int64),
            torch.full((len(targets[place]), student.ways), torch.nan) if (said := told[place]) is None else said,
        )
        for place, part in zip(chosen, parts, strict=True)
    ]


def _without(trained: Sequence[Seen], held: Sequence[TrainingRow]) -> tuple[list[Seen], list[Seen]]:
    """What is left without the held seeds, however often they are replayed, and these once each."""
    out = set(held)
    once = {each.row: each for each in trained if each.row in out}
    return [each for each in trained if each.row not in out], list(once.values())


def try_loss(
    settings: StudentSettings, student: Network, name: str, trained: Sequence[Seen], held: Sequence[Seen]
) -> np.ndarray:
    """The share of right choices of each held row, float64 [n], by a head that was fitted with a loss."""
    features, targets, teacher = (torch.cat([each[part] for each in trained]) for part in (1, 2, 3))
    soft = soft_targets([each.row for each in trained], student.columns, settings.share_power)
    wanted = targets.reshape(len(features), -1).numpy() if soft is None else soft.astype(np.float32)
    weights = np.repeat([each.row.weight for each in trained], [len(each.features) for each in trained])
    fit = by_loss(student, LOSSES[name](settings, teacher))
    weight, bias = map(torch.from_numpy, fit(features.numpy(), wanted, weights))
    guesses = [student.choices(each.features @ weight.T + bias).argmax(dim=1) for each in held]
    return np.array([float((guess == each.targets).double().mean()) for guess, each in zip(guesses, held, strict=True)])
