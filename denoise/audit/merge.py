"""Two people's answers on one row as one: the rule of WANLI (Liu et al. 2022).

Who discards, decides. A revision is kept only where both revise, and then one of the two is drawn. Where both leave
the text as it is and differ in the label, one of the labels is drawn. Where one of them alone revises, the row stays
as written, under the label of the one who left it so.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from generation.records import digest


@dataclass(frozen=True)
class Answer:
    """One person's: the row discarded, or its `label`, and its `revision` if the text was changed."""

    discarded: bool = False
    label: str | None = None
    revision: str | None = None


def merge_answers(one: Answer, other: Answer, id: str) -> Answer:
    """The answer that holds for the row `id`; draws are fixed by the id, and do not depend on who came first."""
    if one.discarded or other.discarded:
        return Answer(discarded=True)
    if (one.revision is None) != (other.revision is None):
        return one if one.revision is None else other
    first, second = sorted((one, other), key=lambda answer: (answer.label or "", answer.revision or ""))
    return random.Random(digest("merge", id)).choice((first, second))
