"""Who gets which row next, and what becomes of their answers. All state is on disk; this is what was read of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import Any

from cluster.audit.findings import THIRD, is_disputed, until_disputed
from cluster.review.cases import Case
from cluster.review.leases import Leases
from cluster.review.ledger import Ledger
from cluster.review.merging import RULE, merged
from cluster.review.places import Places
from cluster.review.turns import Turns
from cluster.review.verdicts import Answer, Change, after, answered, undone
from cluster.review.work import Work
from denoise.audit.plans import Decision


class TakenError(Exception):
    """The row is not this person's to judge any more; the message says why."""


@dataclass(frozen=True)
class Progress:
    """Where the work stands, and how one person does. `mine` counts rows, `seconds` is the median time on one.

    `skipped` rows wait for this person, `beyond` those that the decision does not need; `total` are all there are.
    """

    decision: Decision
    mine: int
    seconds: float | None
    skipped: int
    beyond: int = 0
    total: int = 0


class Desk:
    """Hands out the rows of some work and takes answers, one at a time whoever asks."""

    def __init__(self, ledger: Ledger, work: Work, leases: Leases, now: Callable[[], datetime] | None = None) -> None:
        self.ledger, self.work = ledger, work
        self.turns = Turns(ledger.store, f"{work.folder}/people.json", leases, now)
        self._lock = self.turns.lock
        self.cases = ledger.cases(work.sample)
        self.kind = str(ledger.store.run().get("kind", "label"))
        self.rule = work.assurance.merge if work.assurance else "last"
        self._places = Places(self.turns, self.kind)
        self._beyond: set[str] = set()
        self._deciding: set[str] = set()
        self._decision: Decision | None = None
        self.turns.note(each["at"] for each in self._given())

    # rows

    def next_for(self, who: str) -> Case | None:
        """The row that a person is at, or the next one; None: nothing is left for this person."""
        with self._lock:
            is_open = self.decision().state == "open"
            at = self.turns.at(who)
            if at in self.cases and self._is_offered(self.cases[at], who, is_open):
                return self.cases[at]
            for case in self._waiting(who, is_open):
                self.turns.take(case.id, who)
                return case
            return None

    def go_beyond(self, who: str) -> None:
        """Go on after the decision with the rows that tell of rare strata."""
        self._beyond.add(who)

    def decide_disputes(self, who: str) -> None:
        """Show a person the rows on which two others differ, before any other."""
        self._deciding.add(who)

    def disputes_for(self, who: str) -> int:
        """How many rows there are that a person may decide, as two others differ."""
        with self._lock:
            return sum(self._places.may_decide(case, who) for case in self.cases.values())

    def _waiting(self, who: str, is_open: bool) -> Iterator[Case]:
        """Rows for a person, those first on which two others differ and this one is to decide."""
        skipped = set(self.turns.skipped(who))
        waiting = [case for id, case in self.cases.items() if id not in skipped]
        if self._decides(who, is_open):
            yield from (case for case in waiting if self._places.may_decide(case, who))
        yield from (case for case in waiting if self._is_wanted(case, who, is_open))

    def _is_offered(self, case: Case, who: str, is_open: bool) -> bool:
        return self._is_wanted(case, who, is_open) or (
            self._decides(who, is_open) and self._places.may_decide(case, who)
        )

    def _is_wanted(self, case: Case, who: str, is_open: bool) -> bool:
        """While the work is open all rows are, then those that the decision does not need if the person goes on."""
        return (is_open or (who in self._beyond and not case.decides)) and self._places.has_one(case, who)

    def _decides(self, who: str, is_open: bool) -> bool:
        """Whether a person gets rows on which two others differ: where they are waited for, or if they asked."""
        return who in self._deciding or (is_open and self.rule == THIRD)

    def renew(self, who: str, row: str) -> bool:
        """The person is still at the row. False: somebody else has it."""
        with self._lock:
            if row not in self.cases or not self._places.is_open(self.cases[row], who):
                return False
            self.turns.renew(row, who)
            return True

    # answers

    def answer(self, who: str, row: str, answer: Answer) -> None:
        """Commit what a person says of a row. Raises TakenError; one that answers twice changes nothing."""
        with self._lock:
            case = self.cases.get(row)
            if case is None:
                raise TakenError("This row is not in the sample.")
            if who in case.history.given:
                return
            if not self._places.is_open(case, who):
                raise TakenError("Your time on that row ran out and somebody else has it now: nothing was saved of it.")
            self._commit(case, self._change(case, answer, who))
            self.turns.release(who)

    def revise(self, who: str, row: str, answer: Answer) -> None:
        """Commit an answer that takes the place of an earlier one of the same person, without a lease (imports)."""
        with self._lock:
            self._commit(self.cases[row], self._change(self.cases[row], answer, who))

    def same(self, who: str, row: str, answer: Answer) -> bool:
        """Whether the person has said just this of the row already; an edit, only that it was one."""
        before = self.cases[row].history.given.get(who)
        after = answered(self.cases[row], answer, who, self.turns.moment()).verdicts[0]
        return before is not None and (before["reason"], before["label"]) == (after["reason"], after["label"])

    def skip(self, who: str, row: str) -> None:
        """Leave a row to others, or for later."""
        with self._lock:
            if row in self.cases:
                self.turns.skip(row, who)
            self.turns.release(who)

    def take_up_skipped(self, who: str) -> None:
        """Show a person the rows again that they skipped."""
        with self._lock:
            self.turns.take_up_skipped(who)

    def undo(self, who: str) -> bool:
        """Take back the last thing that a person did, and give them that row again. False: there is nothing."""
        with self._lock:
            mine = [(verdict["at"], id) for id, case in self.cases.items() if (verdict := case.judged.get(who))]
            if not mine:
                return False
            case = self.cases[max(mine)[1]]
            self._commit(case, undone(case, who, self.turns.moment()))
            self.turns.take(case.id, who)
            return True

    def add(self, case: Case) -> None:
        """One more row to judge, whose verdicts are committed."""
        with self._lock:
            self.cases[case.id] = case
            self._decision = None

    def drop(self, id: str) -> None:
        """A row that is not to be judged any more."""
        with self._lock:
            self.cases.pop(id, None)
            self._decision = None

    # how far

    def progress(self, who: str) -> Progress:
        """Where the work and this person stand."""
        with self._lock:
            given = (case.judged.get(who) for case in self.cases.values())
            times = [verdict["scores"].get("seconds", 0.0) for verdict in given if verdict]
            left = [self.cases[id] for id in self.turns.skipped(who) if id in self.cases]
            skipped = [case for case in left if self._is_offered(case, who, True)]
            beyond = sum(not case.decides and self._places.has_one(case, who) for case in self.cases.values())
            seconds = median(times) if times else None
            return Progress(self.decision(), len(times), seconds, len(skipped), beyond, len(self.cases))

    def decision(self) -> Decision:
        """What the plan says of the rows judged so far, in the order of their first verdicts."""
        with self._lock:
            if self._decision is None:
                judged = [case for case in self.cases.values() if case.judged and case.decides]
                judged.sort(key=lambda case: min(verdict["at"] for verdict in case.judged.values()))
                counted = until_disputed(judged, self.rule, lambda case: case.is_disputed(self.kind))
                self._decision = self.work.decide([bool(case.is_defective) for case in counted])
            return self._decision

    def _given(self) -> list[Mapping[str, Any]]:
        return [verdict for case in self.cases.values() for verdict in case.history.given.values()]

    def _change(self, case: Case, answer: Answer, who: str) -> Change:
        """What follows from an answer, and from the rule for two people where there is one."""
        at, others = self.turns.moment(), {name: each for name, each in case.judged.items() if name != who}
        change = answered(case, answer, who, at, is_disputed(others.values(), self.kind))
        if self.rule != RULE:
            return change
        more = merged(after(case, *change.verdicts), who, at)
        return Change((*change.verdicts, *more), change.rows)

    def _commit(self, case: Case, change: Change) -> None:
        if self.work.is_closed(self.ledger.store):
            raise TakenError("This lot has been closed meanwhile: nothing was saved. Open the review again.")
        self.ledger.commit(case.row["round"] or 0, change, change.verdicts[0]["at"])
        self.cases[case.id] = after(case, *change.verdicts).with_texts(change.rows)
        self._decision = None
