"""Who votes on which explanation, and what they said. All state is on disk; this is what was read of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from cluster.audit.frame import UNDONE
from cluster.explanations import next_revision, read_explanations, store_of
from cluster.review.desk import TakenError
from cluster.review.leases import Leases
from cluster.review.ledger import Ledger
from cluster.review.turns import Turns
from cluster.review.verdicts import Change
from cluster.store import Store
from denoise.audit.agreement import agreeing, krippendorff
from generation.parts import read_parts
from generation.records import VERDICT_SCHEMA

STAGE = "vote"

Explanation = Mapping[str, Any]  # a row of `read_explanations`
Vote = Mapping[str, Any]  # a row of VERDICT_SCHEMA


@dataclass(frozen=True)
class Voter:
    """What one person did; `seconds` is the median time on a vote."""

    name: str
    votes: int
    yes: int
    seconds: float | None


class VotingDesk:
    """Hands out explanations, those of a row one after the other, each to `places` people, and takes their votes.

    Raises UserError where a run has no explanations.
    """

    def __init__(self, run: Store, leases: Leases, places: int = 2) -> None:
        self.store, self.places = store_of(run), places
        self.told: dict[str, Explanation] = {each["id"]: each for each in read_explanations(run).to_pylist()}
        self._ledger = Ledger(self.store, str(run.run()["run_id"]))
        self._votes: dict[str, dict[str, Vote]] = {}
        self.turns = Turns(self.store, "people.json", leases)
        for vote in _votes(self.store):
            self._take(vote)
        self._revision = next_revision(self.store)

    @property
    def votes(self) -> Mapping[str, Mapping[str, bool]]:
        """By explanation, whether each person accepts it."""
        return {
            id: {who: vote["status"] == "accepted" for who, vote in given.items()}
            for id, given in self._votes.items()
            if given and id in self.told
        }

    @property
    def agreement(self) -> tuple[int, int, float | None]:
        """Explanations on which all agree, of so many that two or more voted on; Krippendorff's alpha."""
        return (*agreeing(self.votes.values()), krippendorff(self.votes))

    @property
    def done(self) -> tuple[int, int]:
        """Votes that were given, of so many that are wanted."""
        given = sum(min(len(self._votes.get(id, ())), self.places) for id in self.told)
        return given, self.places * len(self.told)

    def next_for(self, who: str) -> Explanation | None:
        """The explanation that a person is at, or the next one; None: nothing is left for this person."""
        with self.turns.lock:
            at = self.turns.at(who)
            if at in self.told and self._is_open(at, who):
                return self.told[at]
            for id in self._waiting(who):
                self.turns.take(id, who)
                return self.told[id]
            return None

    def vote(self, who: str, id: str, accepts: bool, seconds: float) -> None:
        """Commit a vote. Raises TakenError; one who votes twice changes nothing."""
        with self.turns.lock:
            if id not in self.told:
                raise TakenError("This explanation is not in the run.")
            if who in self._votes.get(id, {}):
                return
            if not self._is_open(id, who):
                raise TakenError(
                    "Your time on that explanation ran out and somebody else has it now: nothing was saved."
                )
            self._commit(who, id, "accepted" if accepts else "rejected", None, seconds)
            self.turns.release(who)

    def skip(self, who: str, id: str) -> None:
        """Leave it to others, or for later."""
        with self.turns.lock:
            if id in self.told:
                self.turns.skip(id, who)

    def skipped(self, who: str) -> int:
        """How many wait for this person to be asked for again."""
        return sum(id in self.told and self._is_open(id, who) for id in self.turns.skipped(who))

    def take_up_skipped(self, who: str) -> None:
        """Show a person again what they skipped."""
        with self.turns.lock:
            self.turns.take_up_skipped(who)

    def renew(self, who: str, id: str) -> bool:
        """The person is still at it. False: somebody else has it."""
        with self.turns.lock:
            if id not in self.told or not self._is_open(id, who):
                return False
            self.turns.renew(id, who)
            return True

    def undo(self, who: str) -> bool:
        """Take back the last vote of a person, and show them that explanation again. False: there is none."""
        with self.turns.lock:
            mine = [
                (given[who]["revision"], id) for id, given in self._votes.items() if who in given and id in self.told
            ]
            if not mine:
                return False
            _, id = max(mine)
            self._commit(who, id, "held", UNDONE, 0.0)
            self.turns.take(id, who)
            return True

    def voters(self) -> Sequence[Voter]:
        """A line per person who has voted, by name."""
        by_name: dict[str, list[Vote]] = {}
        for given in self._votes.values():
            for who, vote in given.items():
                by_name.setdefault(who, []).append(vote)
        return [_voter(who, votes) for who, votes in sorted(by_name.items())]

    def _waiting(self, who: str) -> Iterator[str]:
        skipped = set(self.turns.skipped(who))
        return (id for id in self.told if id not in skipped and self._is_open(id, who))

    def _is_open(self, id: str, who: str) -> bool:
        given = self._votes.get(id, {})
        return who not in given and len(given) + len(self.turns.others(id, who) - given.keys()) < self.places

    def _commit(self, who: str, id: str, status: str, reason: str | None, seconds: float) -> None:
        at = self.turns.moment()
        vote = {"id": id, "revision": self._revision, "stage": STAGE, "status": status, "reason": reason}
        vote |= {"auditor": who, "at": at, "scores": {"seconds": round(seconds, 1)}}
        self._ledger.commit(0, Change((vote,)), at)
        self._revision += 1
        self._take(vote)

    def _take(self, vote: Vote) -> None:
        given = self._votes.setdefault(vote["id"], {})
        given.pop(vote["auditor"], None)
        if vote["reason"] != UNDONE:
            given[vote["auditor"]] = vote


def _votes(store: Store) -> list[Vote]:
    """All votes on record, in their order."""
    table = read_parts(store.filesystem, store.parts(0, "verdicts"), VERDICT_SCHEMA).sort_by("revision")
    return [{**vote, "scores": dict(vote["scores"] or ())} for vote in table.to_pylist()]


def _voter(who: str, votes: Sequence[Vote]) -> Voter:
    times = [vote["scores"]["seconds"] for vote in votes if "seconds" in vote["scores"]]
    yes = sum(vote["status"] == "accepted" for vote in votes)
    return Voter(who, len(votes), yes, median(times) if times else None)
