"""Where a further round asks for more: labels that the last student gets wrong, attribute values that few rows have."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from pydantic import Field

from generation.attribute import Attribute
from generation.settings import Settings, Share

PRIOR_ROWS = 4.0  # rows' worth of belief that a value is as frequent as the others
_LEAST_PULL = 0.01  # above 0, so that a scale can raise it
_CARDS = 2  # of each value in a deck, before some get more and some fewer


class AimSettings(Settings):
    """How far a further round asks for more where the last student was weak."""

    share: Share = Field(0.5, description="how far targets follow its errors: 0 not at all, 1 in proportion")
    most: float = Field(2.0, ge=1, le=10, description="most times a label's quota in one round; the least is 1/most")


def tilted(targets: Mapping[str, int], errors: Mapping[str, float], settings: AimSettings) -> dict[str, int]:
    """Targets with the same total that lean towards labels of larger `errors`, each a share from 0 to 1.

    A label's pull is 1 + share · (its error / the mean error - 1); targets are multiplied by the pulls, scaled to keep
    the total, within 1/most and most. A label that nothing is known of has the mean error; one whose target is 0 keeps
    it.
    """
    wanted = {label: target for label, target in targets.items() if target}
    known = [errors[label] for label in wanted if label in errors]
    mean = sum(known) / len(known) if known else 0.0
    if not mean or not settings.share:
        return dict(targets)
    pulls = {label: max(_LEAST_PULL, 1 + settings.share * (errors.get(label, mean) / mean - 1)) for label in wanted}
    factors = _scaled(wanted, pulls, settings.most)
    return dict(targets) | _rounded({label: wanted[label] * factors[label] for label in wanted}, sum(wanted.values()))


def decks(
    attributes: Sequence[Attribute], counts: Mapping[str, Mapping[str, int]], settings: AimSettings
) -> dict[str, dict[str, int]]:
    """Dimension -> value -> how many cards it has in the deck that requests draw from: two, more where rows are few.

    `counts` are the kept rows of each value. A value's lack is the even count over its own, both with PRIOR_ROWS more;
    its cards are 2 · (1 + share · (lack - 1)), within 2/most and 2·most, and one at least. Dimensions whose values all
    have two are left out.
    """
    found = {}
    for attribute in attributes:
        seen = {value: counts.get(attribute.name, {}).get(value, 0) for value in attribute.values}
        even = sum(seen.values()) / len(seen) + PRIOR_ROWS
        lacks = {value: 1 + settings.share * (even / (count + PRIOR_ROWS) - 1) for value, count in seen.items()}
        limited = {value: min(settings.most, max(1 / settings.most, lack)) for value, lack in lacks.items()}
        cards = {value: max(1, round(_CARDS * factor)) for value, factor in limited.items()}
        if set(cards.values()) != {_CARDS}:
            found[attribute.name] = cards
    return found


def _scaled(weights: Mapping[str, int], pulls: Mapping[str, float], most: float) -> dict[str, float]:
    """Pulls times one number, within 1/most and most, so that their mean under `weights` is 1; found by halving."""

    def factors(scale: float) -> dict[str, float]:
        return {label: min(most, max(1 / most, scale * pull)) for label, pull in pulls.items()}

    total, low, high = sum(weights.values()), 0.0, most / min(pulls.values())
    for _ in range(60):
        middle = (low + high) / 2
        reached = sum(weights[label] * factor for label, factor in factors(middle).items())
        low, high = (middle, high) if reached < total else (low, middle)
    return factors(high)


def _rounded(shares: Mapping[str, float], total: int) -> dict[str, int]:
    """Whole numbers with that total, by largest remainder; of equal ones the first label's."""
    whole = {label: math.floor(share + 1e-6) for label, share in shares.items()}
    rests = sorted(shares, key=lambda label: whole[label] - shares[label])
    for label in rests[: total - sum(whole.values())]:
        whole[label] += 1
    return whole
