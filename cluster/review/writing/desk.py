"""Who gets which suggestion, and what becomes of what they write. All state is on disk; this is what was read of it."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cluster.audit.frame import WRITTEN
from cluster.review.cases import Case
from cluster.review.desk import Desk, TakenError
from cluster.review.leases import Leases
from cluster.review.ledger import Ledger
from cluster.review.turns import Turns
from cluster.review.verdicts import Change, undone
from cluster.review.writing.bank import Suggestion, ahead_of
from cluster.review.writing.opinion import ALONE, LIKELIHOOD, Opinion, Said, by_likelihood
from cluster.review.writing.rows import REFUSED, TAKEN, new_row, used, written_case
from cluster.review.writing.written import writing_of
from denoise.normal import normalise_all
from generation.errors import UserError
from generation.kinds.base import Kind

STATE = "audit/writing/people.json"
OWN = (WRITTEN, TAKEN, REFUSED)  # reasons of verdicts that are given here


@dataclass(frozen=True)
class Choice:
    """What somebody wants to write: rows of a label, with suggestions in the order of a ranking."""

    label: str
    ranking: str


class WritingDesk:
    """Hands out suggestions and takes rows. What was written goes to `checks`, where other people judge it.

    `known` are texts that need not be written again.
    """

    def __init__(
        self,
        checks: Desk,
        bank: Mapping[str, Suggestion],
        opinion: Opinion | None,
        kind: Kind,
        leases: Leases,
        known: Iterable[str] = (),
    ) -> None:
        self.checks, self.opinion, self.kind = checks, opinion, kind
        self._ledger = checks.ledger
        self._ahead = Ledger(ahead_of(self._ledger.store), self._ledger.run_id)
        self._bank, self._known = dict(bank), set(normalise_all(list(known)))
        self.turns = Turns(self._ledger.store, STATE, leases)
        self.turns.note(each["at"] for case in self._all_cases() for each in case.history.given.values())
        self._choices: dict[str, Choice] = {}
        self._orders: dict[Choice, list[str]] = {}
        self._ranking = threading.Lock()

    # suggestions

    def next_for(self, who: str, choice: Choice) -> Suggestion | None:
        """The suggestion that a person is at, or the next one; None: there is none, or none is wanted."""
        order = self._order(choice)
        with self.turns.lock:
            at = self.turns.at(who)
            if at in order and self._choices.get(who) == choice and self._is_open(at, who):
                return self._bank[at]
            self._choices[who] = choice
            skipped = set(self.turns.skipped(who))
            for id in order:
                if id not in skipped and self._is_open(id, who):
                    self.turns.take(id, who)
                    return self._bank[id]
            self.turns.release(who)
            return None

    def suggested(self, id: str) -> Case | None:
        """The row of a suggestion; None: there is no such."""
        return self._bank[id].case if id in self._bank else None

    def left(self, label: str) -> int:
        """How many suggestions of a label there are still."""
        return sum(each.is_free for each in self._bank.values() if each.label == label)

    def skip(self, who: str, id: str) -> None:
        """Another one, please."""
        with self.turns.lock:
            if id in self._bank:
                self.turns.skip(id, who)

    def take_up_skipped(self, who: str) -> None:
        """Show a person again what they passed over."""
        with self.turns.lock:
            self.turns.take_up_skipped(who)

    def renew(self, who: str, id: str) -> bool:
        """The person is still at it. False: somebody else has it."""
        with self.turns.lock:
            if id not in self._bank or not self._is_open(id, who):
                return False
            self.turns.renew(id, who)
            return True

    def refuse(self, who: str, id: str) -> None:
        """Nobody is to be suggested this again. Raises TakenError."""
        with self.turns.lock:
            if (suggestion := self._suggestion(who, id)) is None:
                return
            at = self.turns.moment()
            self._commit(suggestion, Change((used(suggestion, who, at, None),)))
            self.turns.release(who)

    # rows

    def write(self, who: str, choice: Choice, id: str, content: Mapping[str, Any], seconds: float) -> Said | None:
        """Commit a row, and return what the student says of it, if there is one.

        `content` are columns that are not as the suggestion `id` ("": none) has them. Raises TakenError and UserError;
        a suggestion that the same person has taken already changes nothing.
        """
        text = content.get("text") or (self._bank[id].case.row["text"] if id in self._bank else "")
        said = self.opinion.of(text) if self.opinion else None  # it may have to be loaded: nobody waits for that
        (plain,) = normalise_all([text])
        with self.turns.lock:
            suggestion = self._suggestion(who, id) if id else None
            if id and suggestion is None:
                return None
            if plain in self._known:
                raise UserError("text: the dataset, the seeds or somebody here have the same words already")
            at, round_ = self.turns.moment(), self._round_of(suggestion)
            row = new_row(choice.label, content, suggestion, choice.ranking, round_, (who, at.isoformat(), text))
            case = written_case(row, who, at, seconds, said)
            taken = [used(suggestion, who, at, row["id"])] if suggestion else []
            theirs = [] if suggestion is None or suggestion.is_ahead else taken
            self._ledger.commit(round_, Change((*case.history.given.values(), *theirs), (row,)), at)
            if suggestion and suggestion.is_ahead:
                self._ahead.commit(suggestion.case.row["round"], Change(tuple(taken)), at)
            for verdict in taken:
                self._bank[verdict["id"]] = self._bank[verdict["id"]].plus(verdict)
            self._known.add(plain)
            self.checks.add(case)
            self.turns.release(who)
            return said

    def undo(self, who: str) -> bool:
        """Take back the last row that a person wrote, or the last suggestion that they refused. False: there is none.

        Raises TakenError once somebody else has judged the row.
        """
        with self.turns.lock, self.checks.turns.lock:
            done = [(told["at"], case) for case in self._all_cases() if (told := case.history.given.get(who))]
            done = [(at, case) for at, case in done if case.history.given[who]["reason"] in OWN]
            if not done:
                return False
            last = max(at for at, _ in done)
            cases = [case for at, case in done if at == last]
            for case in cases:
                if case.id not in self._bank and case.judged:
                    raise TakenError(f"{', '.join(case.judged)} has judged that row: it cannot be taken back any more.")
            for case in cases:
                change = undone(case, who, self.turns.moment())
                if case.id in self._bank:
                    self._commit(self._bank[case.id], change)
                    self.turns.take(case.id, who)
                else:
                    self._ledger.commit(case.row["round"], change, change.verdicts[0]["at"])
                    self.checks.drop(case.id)
                    self._known.discard(normalise_all([case.row["text"]])[0])
            return True

    def mine(self, who: str) -> int:
        """How many rows a person has written."""
        return sum((writing_of(case) or {}).get("auditor") == who for case in self.checks.cases.values())

    def _all_cases(self) -> list[Case]:
        return [*(each.case for each in self._bank.values()), *self.checks.cases.values()]

    def _suggestion(self, who: str, id: str) -> Suggestion | None:
        """One that this person may answer; None: they have. Raises TakenError."""
        suggestion = self._bank.get(id)
        if suggestion is None:
            raise TakenError("This suggestion is not in the run.")
        if who in suggestion.case.history.given:
            return None
        if not self._is_open(id, who):
            raise TakenError("Your time on that suggestion ran out and somebody else has it now: nothing was saved.")
        return suggestion

    def _is_open(self, id: str, who: str) -> bool:
        return self._bank[id].is_free and not self.turns.others(id, who)

    def _round_of(self, suggestion: Suggestion | None) -> int:
        """A row lies in the round of what it was made from, so that one part has both verdicts; else in the newest."""
        if suggestion and not suggestion.is_ahead:
            return suggestion.case.row["round"] or 0
        return self._ledger.store.rounds()[-1]

    def _commit(self, suggestion: Suggestion, change: Change) -> None:
        ledger = self._ahead if suggestion.is_ahead else self._ledger
        ledger.commit(suggestion.case.row["round"] or 0, change, change.verdicts[0]["at"])
        for verdict in change.verdicts:
            self._bank[suggestion.id] = self._bank[suggestion.id].plus(verdict)

    def _order(self, choice: Choice) -> list[str]:
        """Ids of suggestions for a choice; the student ranks them once."""
        if choice.ranking == ALONE:
            return []
        with self._ranking:
            if choice not in self._orders:
                some = [each for each in self._bank.values() if each.label == choice.label]
                if choice.ranking == LIKELIHOOD or self.opinion is None:
                    self._orders[choice] = by_likelihood(some)
                else:
                    self._orders[choice] = self.opinion.ranked(some, choice.label, choice.ranking)
            return self._orders[choice]
