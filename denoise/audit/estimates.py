"""The share of defects of a whole lot, and of what nobody checked, from the rows that people did check.

For display and for finding out where defects are. Whether a lot passes is the plan's to say.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from denoise.audit.intervals import lower_bound

_Z = 1.959964


@dataclass(frozen=True)
class Estimate:
    """A share of defects and its standard error, with a 95 % interval by the normal curve."""

    share: float
    error: float

    @property
    def low(self) -> float:
        return max(0.0, self.share - _Z * self.error)

    @property
    def high(self) -> float:
        return min(1.0, self.share + _Z * self.error)


@dataclass(frozen=True)
class Stratum:
    """Rows that are alike: how many there are, were checked, and were defective."""

    size: int
    checked: int
    defects: int


def stratified(strata: Mapping[str, Stratum]) -> Estimate | None:
    """Σ W_h p_h over strata, each a simple random sample of its own; None where nothing was checked.

    A stratum of which nothing was checked counts as the lot. Errors take p_h for (d + ½) / (n + 1), as a stratum
    without a defect is not known to have none, and shrink with the share of rows that was checked.
    """
    checked = sum(each.checked for each in strata.values())
    if not checked:
        return None
    whole = sum(each.size for each in strata.values())
    pooled = sum(each.defects for each in strata.values()) / checked
    share = variance = 0.0
    for each in strata.values():
        weight, n = each.size / whole, max(1, each.checked)
        share += weight * (each.defects / each.checked if each.checked else pooled)
        rate = (each.defects + 0.5) / (each.checked + 1) if each.checked else 0.5
        left = 1 - each.checked / each.size if each.size else 0.0
        variance += weight**2 * rate * (1 - rate) / n * left
    return Estimate(share, math.sqrt(variance))


def horvitz_thompson(defects: Sequence[bool], inclusion: Sequence[float], total: int) -> Estimate:
    """From rows drawn with known, unequal probabilities (Horvitz & Thompson 1952), of a lot of `total` rows.

    Unbiased: each defect stands for 1/inclusion rows. The error is that of rows drawn independently of one another.
    """
    wrong, chance = np.asarray(defects, float), np.asarray(inclusion, float)
    share = float((wrong / chance).sum() / total)
    variance = ((1 - chance) / chance**2 * wrong).sum() / total**2
    return Estimate(min(1.0, share), float(np.sqrt(variance)))


def prediction_powered(defects: Sequence[bool], doubts: Sequence[float], unchecked: Sequence[float]) -> Estimate | None:
    """The share of defects, helped by a model's doubt of each row (Angelopoulos et al. 2023); None below two rows.

    `doubts` are those of the rows that people checked, a random sample; `unchecked` those of the others. The model must
    not have learnt from the rows that were checked. λ is the one of least variance, within 0 and 1. With a handful of
    defects its error is too small: nothing may hang on it.
    """
    wrong, seen, unseen = (np.asarray(each, float) for each in (defects, doubts, unchecked))
    n, others = len(wrong), len(unseen)
    if n < 2 or not others:
        return None
    spread = float(np.concatenate([seen, unseen]).var())
    shared = float(np.cov(wrong, seen)[0, 1])
    power = min(1.0, max(0.0, shared / ((1 + n / others) * spread))) if spread else 0.0
    share = power * unseen.mean() + (wrong - power * seen).mean()
    variance = power**2 * spread / others + (wrong - power * seen).var(ddof=1) / n
    return Estimate(min(1.0, max(0.0, float(share))), float(np.sqrt(variance)))


def bad_strata(strata: Mapping[str, Stratum], accept: float, level: float = 0.95) -> list[str]:
    """Strata whose share of defects is above `accept` with `level`; one unlucky row condemns none."""
    return [
        name
        for name, each in strata.items()
        if each.defects > 1 and lower_bound(each.defects, each.checked, level) > accept
    ]
