"""Which rows people see, in which order, and how likely each was to be among them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

LEAST_SPREAD = 0.01  # no stratum is trusted to be of one kind: a share of defects of p counts as this or more


@dataclass(frozen=True)
class Drawn:
    """Places [n] of the rows drawn, in the order in which they are checked, and of each its probability to be drawn.

    The first `decides` are a simple random sample in random order: they decide on the lot. The others fill strata up.
    """

    places: np.ndarray
    inclusion: np.ndarray
    decides: int


def draw(
    ids: Sequence[str],
    strata: Sequence[str],
    size: int,
    seed: int,
    floor: int = 0,
    extra: int = 0,
    rates: Mapping[str, float] | None = None,
) -> Drawn:
    """`size` rows at random, then as many as give each stratum `floor` rows, or all that it has, and `extra` ones.

    Those go where they tell most, if strata have defects at about these `rates` (neyman); without rates by size alone.
    The same for any order of `ids`. Within a stratum all rows are alike, so a row's probability is the share of its
    stratum that is drawn.
    """
    order = np.argsort(np.asarray(ids, str), kind="stable")
    generator = np.random.default_rng(seed)
    shuffled = order[generator.permutation(len(order))]
    first, rest = shuffled[:size], shuffled[size:]
    names = np.asarray(strata, str)
    totals = {str(name): int(count) for name, count in zip(*np.unique(names, return_counts=True), strict=True)}
    taken = {name: int((names[first] == name).sum()) for name in totals}
    wanted = {name: max(0, floor - count) for name, count in taken.items()}
    if extra:
        held = {name: taken[name] + count for name, count in wanted.items()}
        more = _short(neyman(totals, rates or dict.fromkeys(totals, 0.5), sum(held.values()) + extra), held, extra)
        wanted = {name: count + more[name] for name, count in wanted.items()}
    parts = [rest[names[rest] == name][:count] for name, count in wanted.items()]
    places = np.concatenate([first, generator.permutation(np.concatenate([np.empty(0, int), *parts]))]).astype(int)
    drawn = {name: int((names[places] == name).sum()) for name in totals}
    inclusion = np.array([drawn[name] / totals[name] for name in names[places].tolist()])
    return Drawn(places, inclusion, len(first))


def _short(wanted: Mapping[str, int], held: Mapping[str, int], extra: int) -> dict[str, int]:
    """What each stratum lacks of what is wanted of it, cut in proportion to `extra` rows in all."""
    short = {name: max(0, count - held[name]) for name, count in wanted.items()}
    total = sum(short.values())
    return short if total <= extra else _whole({name: extra * count / total for name, count in short.items()}, extra)


def neyman(sizes: Mapping[str, int], rates: Mapping[str, float], total: int, floor: int = 1) -> dict[str, int]:
    """How many rows of each stratum to check for the least variance (Neyman 1934): n_h ∝ N_h √(p_h (1 - p_h)).

    Each has `floor` rows at least, or all that it has; the sum is `total` where that is possible.
    """
    weights = {
        name: size * math.sqrt(max(rates[name] * (1 - rates[name]), LEAST_SPREAD)) for name, size in sizes.items()
    }
    fixed: dict[str, int] = {}
    while True:
        open_ = [name for name in sorted(sizes) if name not in fixed]
        left, whole = max(0, total - sum(fixed.values())), sum(weights[name] for name in open_)
        shares = {name: left * weights[name] / whole for name in open_ if whole}
        full = {name: sizes[name] for name in open_ if shares.get(name, 0) >= sizes[name]}
        few = {name: min(floor, sizes[name]) for name in open_ if shares.get(name, 0) < floor}
        if not full and not few:
            return fixed | _whole(shares, left)
        fixed |= full or few  # what the full ones leave may lift the others


def _whole(shares: Mapping[str, float], total: int) -> dict[str, int]:
    """Shares rounded so that they sum to `total`, the largest remainders up."""
    counts = {name: int(share) for name, share in shares.items()}
    by_remainder = sorted(shares, key=lambda name: (counts[name] - shares[name], name))
    return counts | {name: counts[name] + 1 for name in by_remainder[: total - sum(counts.values())]}


def favour(doubts: Sequence[float], size: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Places [≤ n] of about `size` rows, doubtful ones more likely, and each row's probability to be drawn, [n].

    Systematic sampling with probability proportional to doubt (Madow 1949) over rows in random order; a probability is
    at most 1 and, as every row must be able to come, a tenth of an even share at least.
    """
    weights = np.maximum(np.asarray(doubts, float), 1e-9)
    inclusion = _probabilities(weights, size)
    generator = np.random.default_rng(seed)
    order = generator.permutation(len(weights))
    edges = np.cumsum(inclusion[order]) + generator.random()
    return order[np.floor(edges) > np.floor(edges - inclusion[order])], inclusion


def _probabilities(weights: np.ndarray, size: int) -> np.ndarray:
    """Proportional to `weights`, summing to `size`, none above 1."""
    size = min(size, len(weights))
    even = size / len(weights)
    inclusion = 0.1 * even + 0.9 * size * weights / weights.sum()
    while (inclusion > 1 + 1e-12).any():
        full = inclusion >= 1
        inclusion[full] = 1
        room = size - full.sum()
        inclusion[~full] *= room / inclusion[~full].sum()
    return np.minimum(inclusion, 1)
