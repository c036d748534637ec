"""The temperature at which a label is asked for next, from what its waves so far were like.

A lower temperature keeps the label better and varies less, a higher one the other way round. So each wave that was too
often wrong says "colder than that", each one too much alike "hotter than that", and the next temperature lies between
all that has been said: a step beyond it on one side alone, in the middle when both sides have spoken. What was said
stays said, so the room only narrows and the temperature settles; it cannot swing.

The bars, the step and the limits are a choice made by hand, not tuned on any set.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

COLDEST, HOTTEST, STEP = 0.3, 1.5, 0.2
RIGHT = 0.7  # share of rows with which the judge should agree
VARIED = 0.9  # distinct-2 over that of as many seeds, from which texts are varied enough
LEAST_JUDGED = 16


@dataclass(frozen=True)
class Measured:
    """What a wave brought for a label, asked at `temperature`.

    `judged` rows came before the judge, which agreed with `agreed` of them. `variety` is the distinct-2 of these over
    that of the label's seeds, at equal numbers of texts; None when that cannot be told.
    """

    temperature: float
    judged: int
    agreed: int
    variety: float | None

    @property
    def is_wrong(self) -> bool:
        """Whether the share of agreement lies below its bar by more than a standard error."""
        share = self.agreed / self.judged
        return share + math.sqrt(share * (1 - share) / self.judged) < RIGHT

    @property
    def is_alike(self) -> bool:
        return self.variety is not None and self.variety < VARIED


def next_temperature(start: float, waves: Iterable[Measured]) -> float:
    """The temperature for the next wave: `start` until a wave says otherwise.

    Waves of fewer than LEAST_JUDGED judged rows say nothing, nor do those that are both wrong and alike, which no
    temperature mends. The result lies in COLDEST to HOTTEST, or no further outside than `start`.
    """
    told = [wave for wave in waves if wave.judged >= LEAST_JUDGED and wave.is_wrong != wave.is_alike]
    too_hot = min((wave.temperature for wave in told if wave.is_wrong), default=None)
    too_cold = max((wave.temperature for wave in told if wave.is_alike), default=None)
    if too_hot is not None and too_cold is not None:
        return round((too_hot + too_cold) / 2, 3)
    if too_hot is not None:
        return round(max(too_hot - STEP, min(COLDEST, too_hot)), 3)
    if too_cold is not None:
        return round(min(too_cold + STEP, max(HOTTEST, too_cold)), 3)
    return start
