"""Who may have which row."""

from __future__ import annotations

from cluster.review.cases import Case
from cluster.review.turns import Turns


class Places:
    """A row is seen by as many people as it has places, and by one more who decides where those differ."""

    def __init__(self, turns: Turns, kind: str) -> None:
        self._turns, self._kind = turns, kind

    def is_open(self, case: Case, who: str) -> bool:
        """Whether a person may judge it, for either reason."""
        return self.has_one(case, who) or self.may_decide(case, who)

    def has_one(self, case: Case, who: str) -> bool:
        """Whether fewer people have judged it, or are at it, than are to see it."""
        given = case.history.given
        others = self._turns.others(case.id, who) - given.keys()
        return who not in given and len(given) + len(others) < case.places

    def may_decide(self, case: Case, who: str) -> bool:
        """Whether two others differ on it and nobody else is deciding it."""
        free = not self._turns.others(case.id, who) - case.history.given.keys()
        return who not in case.history.given and free and case.is_disputed(self._kind)
