"""From single cells to figures: means, paired differences and their bootstrap intervals over splits."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

RESAMPLES = 10_000
SEEDS_ONLY, CONTRASTIVE = "seeds", "contrastive"
MEASURES = ("rows", "label_right", "distinct_2", "copy_rate", "tokens", "seconds")


@dataclass(frozen=True)
class Result:
    """One cell: an arm's accuracy (percent of the test rows) on one split, with what its rows were and cost.

    `label_right` (oracle's share, percent), `distinct_2` and `copy_rate` (0-1) are None for an arm without generated
    rows. `tokens` are prompt + output tokens, `seconds` what the arm takes: generating its rows, tuning the judge where
    it needs one, training; filters and embedding, a few seconds, are left out.
    """

    tier: str
    set: str
    k: int
    split: int
    arm: str
    key: str
    accuracy: float
    rows: int
    tokens: int
    seconds: float
    label_right: float | None = None
    distinct_2: float | None = None
    copy_rate: float | None = None

    @classmethod
    def load(cls, path: Path) -> Result:
        return cls(**json.loads(path.read_text()))

    def dump(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch = path.with_suffix(f".{os.getpid()}.tmp")
        scratch.write_text(json.dumps(asdict(self)) + "\n")
        scratch.rename(path)


@dataclass(frozen=True)
class Difference:
    """Mean paired difference in points, and its 95 % bootstrap interval over splits; one split has no interval."""

    mean: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Line:
    """One arm in one group of cells; `over_...` pair it with seeds only, contrastive tuning and `best_free`."""

    tier: str
    set: str
    k: int
    arm: str
    splits: int
    accuracy: float
    over_seeds: Difference | None
    over_contrastive: Difference | None
    over_free: Difference | None
    best_free: str | None
    measures: dict[str, float | None]


def summarise(results: Iterable[Result], free: Sequence[str]) -> list[Line]:
    """A line per tier, set, k and arm. The best free arm is the one of `free` with the highest mean in its group.

    It is chosen with hindsight, on the test rows: that favours it, and never what is compared with it. Splits that an
    arm has not (a cell not run yet) are left out of its differences.
    """
    groups: dict[tuple[str, str, int], dict[str, dict[int, Result]]] = defaultdict(lambda: defaultdict(dict))
    for result in results:
        groups[result.tier, result.set, result.k][result.arm][result.split] = result
    return [line for group, arms in groups.items() for line in _lines(group, arms, free)]


def best_free(arms: dict[str, float], free: Sequence[str]) -> str | None:
    """The name of the free arm with the highest accuracy, the first of equals."""
    return max((name for name in free if name in arms), key=lambda name: arms[name], default=None)


def paired(ours: dict[int, float], theirs: dict[int, float]) -> Difference | None:
    """The difference over the splits that both have; None where there is none."""
    differences = differences_of(ours, theirs)
    return bootstrap([differences]) if len(differences) else None


def differences_of(ours: dict[int, float], theirs: dict[int, float]) -> np.ndarray:
    """One difference for each split that both have."""
    return np.array([ours[split] - theirs[split] for split in sorted(ours.keys() & theirs.keys())])


def bootstrap(groups: Sequence[np.ndarray]) -> Difference:
    """Mean over groups of the mean difference of each; the splits [n] of every group are resampled on their own."""
    mean = float(np.mean([group.mean() for group in groups]))
    if min(map(len, groups)) < 2:
        return Difference(mean, None, None)
    draw = np.random.default_rng(0)
    means = np.zeros(RESAMPLES)
    for group in groups:
        means += group[draw.integers(len(group), size=(RESAMPLES, len(group)))].mean(axis=1) / len(groups)
    low, high = np.percentile(means, [2.5, 97.5])
    return Difference(mean, float(low), float(high))


def _lines(group: tuple[str, str, int], arms: dict[str, dict[int, Result]], free: Sequence[str]) -> list[Line]:
    accuracy = {name: {split: each.accuracy for split, each in cells.items()} for name, cells in arms.items()}
    best = best_free({name: float(np.mean(list(values.values()))) for name, values in accuracy.items()}, free)
    return [
        Line(
            *group,
            arm=name,
            splits=len(cells),
            accuracy=float(np.mean(list(accuracy[name].values()))),
            over_seeds=paired(accuracy[name], accuracy.get(SEEDS_ONLY, {})),
            over_contrastive=paired(accuracy[name], accuracy.get(CONTRASTIVE, {})),
            over_free=paired(accuracy[name], accuracy[best]) if best else None,
            best_free=best,
            measures={measure: _mean([getattr(cell, measure) for cell in cells.values()]) for measure in MEASURES},
        )
        for name, cells in arms.items()
    ]


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None
