"""Who gets which row next, and what becomes of their answers. All state is on disk; this is what was read of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any

from cluster.audit.lots import Lot
from cluster.feed.queue import Queue
from cluster.review.cases import Case
from cluster.review.leases import Leases
from cluster.review.ledger import Ledger
from cluster.review.verdicts import Answer, Change, answered, undone
from denoise.audit.plans import Decision

_TICK = timedelta(milliseconds=1)


class TakenError(Exception):
    """The row is not this person's to judge any more; the message says why."""


@dataclass(frozen=True)
class Progress:
    """Where the lot stands, and how one person does. `mine` counts rows, `seconds` is the median time on one.

    `skipped` rows wait for this person, `beyond` those that the decision does not need.
    """

    decision: Decision
    mine: int
    seconds: float | None
    skipped: int
    beyond: int = 0


class Desk:
    """Hands out the rows of a lot's sample and takes answers, one at a time whoever asks."""

    def __init__(
        self, ledger: Ledger, lot: Lot | Queue, leases: Leases, now: Callable[[], datetime] | None = None
    ) -> None:
        self.ledger, self.lot, self._leases = ledger, lot, leases
        self._now = now or (lambda: datetime.now(UTC))
        self._lock = threading.RLock()
        self.cases = ledger.cases(lot.sample)
        self._beyond: set[str] = set()
        self._decision: Decision | None = None
        saved = ledger.store.read_json(self._file) or {}
        self._leases.load(saved.get("leases", {}))
        self._skipped = {who: list(rows) for who, rows in saved.get("skipped", {}).items()}
        self._latest = max((each["at"] for each in self._given() if each["at"]), default=None)

    @property
    def _file(self) -> str:
        return f"{self.lot.folder}/people.json"

    # rows

    def next_for(self, who: str) -> Case | None:
        """The row that a person is at, or the next one; None: nothing is left for this person."""
        with self._lock:
            is_open = self.decision().state == "open"
            at = self._leases.row_of(who)
            if at and (is_open or who in self._beyond) and self._is_open(self.cases[at], who):
                return self.cases[at]
            for case in self._waiting(who, is_open):
                self._leases.take(case.id, who)
                self._save()
                return case
            return None

    def go_beyond(self, who: str) -> None:
        """Go on after the decision with the rows that tell of rare strata."""
        self._beyond.add(who)

    def _waiting(self, who: str, is_open: bool) -> Iterator[Case]:
        """Rows for a person: while the lot is open all of them, then those that the decision does not need."""
        for id, case in self.cases.items():
            wanted = is_open or (who in self._beyond and not case.decides)
            if wanted and id not in self._skipped.get(who, ()) and self._is_open(case, who):
                yield case

    def renew(self, who: str, row: str) -> bool:
        """The person is still at the row. False: somebody else has it."""
        with self._lock:
            if row not in self.cases or not self._is_open(self.cases[row], who):
                return False
            self._leases.take(row, who)
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
            if not self._is_open(case, who):
                raise TakenError("Your time on that row ran out and somebody else has it now: nothing was saved of it.")
            self._commit(case, answered(case, answer, who, self._moment()))
            self._leases.release(who)  # as it was saved, it does no harm: the row is judged

    def revise(self, who: str, row: str, answer: Answer) -> None:
        """Commit an answer that takes the place of an earlier one of the same person, without a lease (imports)."""
        with self._lock:
            self._commit(self.cases[row], answered(self.cases[row], answer, who, self._moment()))

    def same(self, who: str, row: str, answer: Answer) -> bool:
        """Whether the person has said just this of the row already; an edit, only that it was one."""
        before = self.cases[row].history.given.get(who)
        after = answered(self.cases[row], answer, who, self._moment()).verdicts[0]
        return before is not None and (before["reason"], before["label"]) == (after["reason"], after["label"])

    def skip(self, who: str, row: str) -> None:
        """Leave a row to others, or for later."""
        with self._lock:
            if row in self.cases and row not in (skipped := self._skipped.setdefault(who, [])):
                skipped.append(row)
            self._leases.release(who)
            self._save()

    def take_up_skipped(self, who: str) -> None:
        """Show a person the rows again that they skipped."""
        with self._lock:
            self._skipped.pop(who, None)
            self._save()

    def undo(self, who: str) -> bool:
        """Take back the last thing that a person did, and give them that row again. False: there is nothing."""
        with self._lock:
            mine = [(verdict["at"], id) for id, case in self.cases.items() if (verdict := case.history.given.get(who))]
            if not mine:
                return False
            case = self.cases[max(mine)[1]]
            self._commit(case, undone(case, who, self._moment()))
            self._leases.take(case.id, who)
            self._save()
            return True

    # how far

    def progress(self, who: str) -> Progress:
        """Where the lot and this person stand."""
        with self._lock:
            given = (case.history.given.get(who) for case in self.cases.values())
            times = [verdict["scores"].get("seconds", 0.0) for verdict in given if verdict]
            skipped = [id for id in self._skipped.get(who, ()) if self._is_open(self.cases[id], who)]
            beyond = sum(not case.decides and self._is_open(case, who) for case in self.cases.values())
            return Progress(self.decision(), len(times), median(times) if times else None, len(skipped), beyond)

    def decision(self) -> Decision:
        """What the plan says of the rows judged so far, in the order of their first verdicts."""
        with self._lock:
            if self._decision is None:
                judged = [case for case in self.cases.values() if case.history.given and case.decides]
                judged.sort(key=lambda case: min(verdict["at"] for verdict in case.history.given.values()))
                self._decision = self.lot.decide([bool(case.is_defective) for case in judged])
            return self._decision

    def _given(self) -> list[Mapping[str, Any]]:
        return [verdict for case in self.cases.values() for verdict in case.history.given.values()]

    def _is_open(self, case: Case, who: str) -> bool:
        given = case.history.given
        others = self._leases.holders(case.id) - {who} - given.keys()
        return who not in given and len(given) + len(others) < case.places

    def _moment(self) -> datetime:
        """Now, in whole milliseconds as the schema has them, and later than any moment before."""
        now = self._now()
        now = now.replace(microsecond=now.microsecond // 1000 * 1000)
        if self._latest and now <= self._latest:
            now = self._latest + _TICK
        self._latest = now
        return now

    def _commit(self, case: Case, change: Change) -> None:
        if self.ledger.store.read_json(f"{self.lot.folder}/decision.json") is not None:
            raise TakenError("This lot has been closed meanwhile: nothing was saved. Open the review again.")
        self.ledger.commit(case.row["round"] or 0, change, change.verdicts[0]["at"])
        for verdict in change.verdicts:
            case = case.plus(verdict)
        self.cases[case.id] = case
        self._decision = None

    def _save(self) -> None:
        self.ledger.store.write_json(self._file, {"leases": self._leases.dump(), "skipped": self._skipped})
