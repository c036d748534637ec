"""How much each engine is given: slots full, a backlog for two reports, the budget kept.

Counts and names only; pool.py is its Ray side.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from cluster.budget import Budget
from cluster.messages import EngineName
from cluster.store import RequestRef
from cluster.suspects import Suspects
from cluster.window import SIZE, Window

BACKLOG_SECONDS = 2.0  # work that an engine has waiting: it outlasts two reports
MOST_BACKLOG = 8  # times its slots
RATED_SECONDS = 2.0  # over which an engine's rate is worked out


@dataclass
class _Share:
    """What an engine was given and has not committed; `buffered` rows of it are finished and take no slot.

    `rate` is rows committed a second, `fresh` the rows since it was last worked out. `apart`: it holds suspects, and
    gets nothing else. `retired`: it gets nothing more.
    """

    given: dict[str, RequestRef] = field(default_factory=dict)
    rows: int = 0
    buffered: int = 0
    rate: float = 0.0
    rated_at: float = -1.0
    fresh: int = 0
    apart: bool = False
    retired: bool = False


class Loss(NamedTuple):
    """What a dead engine had in hand: how many requests, those of them set aside, whether they were tried apart."""

    requests: int
    aside: list[RequestRef]
    apart: bool


class Dispatcher:
    """`begin` with a stream of requests; engines `join`, `take`, have `finished`, and may `leave`.

    `slots` is how many rows an engine works on at once, `max_loras` how many adapters.
    """

    def __init__(self, slots: int, max_loras: int = 0) -> None:
        self._slots, self._max_loras = slots, max_loras
        self._shares: dict[EngineName, _Share] = {}
        self._window = Window()
        self._suspects = Suspects()
        self._emptying: EngineName | None = None
        self._budget = Budget()
        self.rows_in_flight = 0
        self.answered = Counter[str]()

    def begin(self, requests: Iterable[RequestRef | None], budget: Budget | None = None) -> None:
        """Go on with these; None among them stands for such as are not known yet.

        One is given only if it and all in flight, at their longest, stay within the budget. `answered` counts anew the
        requests of each plan part that are committed or set aside.
        """
        self.answered.clear()
        self._window = Window(requests, max(SIZE, 4 * len(self._shares) * self._slots), self._max_loras)
        self._suspects = Suspects()
        self._budget = budget or Budget()
        for request in (each for share in self._shares.values() for each in share.given.values()):
            self._budget.hold(request)

    def join(self, engine: EngineName) -> None:
        """A new engine."""
        self._shares[engine] = _Share()

    def leave(self, engine: EngineName) -> Loss:
        """An engine died: what it was given goes out again, first of all, but for what has killed too many."""
        apart = self._shares[engine].apart
        lost = self.drop(engine)
        del self._shares[engine]
        self._window.forget(engine)
        if self._emptying == engine:
            self._emptying = None
        again, aside = self._suspects.died(lost, apart)
        self.answered.update(request.part for request in aside)
        self._window.put_back(again)
        return Loss(len(lost), aside, apart)

    def retire(self, engine: EngineName) -> None:
        """An engine will go away: it finishes what it has."""
        self._shares[engine].retired = True
        self._window.forget(engine)

    def drop(self, engine: EngineName) -> list[RequestRef]:
        """Take from an engine what it was given; the caller decides what becomes of it."""
        share = self._shares[engine]
        lost = list(share.given.values())
        self.rows_in_flight -= share.rows
        for request in lost:
            self._budget.release(request)
        self._shares[engine] = _Share()
        return lost

    def take(self, engine: EngineName) -> list[RequestRef]:
        """Requests for an engine's free slots and its backlog; none when the budget allows none.

        While there are suspects, one engine after the other is emptied for them.
        """
        share = self._shares[engine]
        if share.retired or (share.apart and share.given):
            return []
        share.apart = False
        if self._suspects and self._emptying in (None, engine):
            self._emptying = engine if share.given else None
            return [] if share.given else self._take_suspects(share)
        room = self._slots + self._backlog(share) - (share.rows - share.buffered)
        taken = list[RequestRef]()
        while room > 0 and (request := self._window.draw(engine, self._budget.affords)) is not None:
            self._give(share, request)
            taken.append(request)
            room -= request.samples
        return taken

    def _take_suspects(self, share: _Share) -> list[RequestRef]:
        group, taken = self._suspects.next_group(), list[RequestRef]()
        while len(taken) < len(group) and self._budget.affords(request := group[len(taken)]):
            self._give(share, request)
            taken.append(request)
        if left := group[len(taken) :]:
            self._suspects.put_back(left)
        share.apart = bool(taken)
        return taken

    def _give(self, share: _Share, request: RequestRef) -> None:
        share.given[request.request_id] = request
        share.rows += request.samples
        self.rows_in_flight += request.samples
        self._budget.hold(request)

    @property
    def awaits(self) -> bool:
        """Whether nothing can be given before more requests are known."""
        return self._window.awaits and not self._suspects

    def is_working(self, engine: EngineName) -> bool:
        """Whether an engine has been given anything that it has not finished."""
        share = self._shares[engine]
        return share.rows > share.buffered

    @property
    def waiting(self) -> int:
        """Rows that are looked ahead to and given to nobody; more may follow."""
        return self._window.waiting

    def is_busy(self, engine: EngineName) -> bool:
        """Whether an engine has been given anything that is not committed."""
        return bool(self._shares[engine].given)

    def finished(self, engine: EngineName, request_ids: Sequence[str], tokens: int, cost: float = 0.0) -> None:
        """Requests of an engine are committed, for `tokens` and what they cost."""
        share, rows = self._shares[engine], 0
        self._suspects.cleared(request_ids)
        for request_id in request_ids:
            if (request := share.given.pop(request_id, None)) is not None:
                rows += request.samples
                self._budget.release(request)
                self.answered[request.part] += 1
        share.rows -= rows
        share.fresh += rows
        self.rows_in_flight -= rows
        self.spend(tokens, cost)

    def refused(self, engine: EngineName, request_id: str) -> RequestRef | None:
        """An engine cannot answer a request; None when it does not hold it."""
        request = self._shares[engine].given.get(request_id)
        self.finished(engine, [request_id], 0)
        return request

    def returned(self, engine: EngineName, request_id: str) -> None:
        """An engine hands a request back: it goes out again, first of all."""
        if (request := self.refused(engine, request_id)) is not None:
            self._window.put_back([request])

    def reported(self, engine: EngineName, buffered: int, now: float) -> None:
        """An engine told that so many of its rows are finished and not committed yet; `now` is in seconds."""
        share = self._shares[engine]
        share.buffered = buffered
        if share.rated_at < 0:
            share.rated_at, share.fresh = now, 0
        elif now - share.rated_at >= RATED_SECONDS:
            share.rate = share.fresh / (now - share.rated_at)
            share.rated_at, share.fresh = now, 0

    def spend(self, tokens: int, cost: float = 0.0) -> None:
        """So much is gone from the budget."""
        self._budget.spend(tokens, cost)

    def _backlog(self, share: _Share) -> int:
        # a request counts whole until the last of its samples ends: half of its slots are free by then
        return max(self._slots, min(int(share.rate * BACKLOG_SECONDS), self._slots * MOST_BACKLOG))
