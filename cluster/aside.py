"""Requests that no engine can answer: recorded, counted, and the end of a run when they are the rule."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cluster.store import RequestRef, Store, round_of
from generation.errors import Fault

# requests set aside before anything is amiss with all of them, if they are more than those answered
MOST_ASIDE = 10


class Aside:
    """Of one pool: `count` requests so far, beside `answered` ones, which the pool counts."""

    def __init__(self, store: Store, run_id: str, log: Callable[[str], None]) -> None:
        self._store, self._run_id, self._log = store, run_id, log
        self.count = self.answered = 0

    def set(self, requests: Sequence[RequestRef], error: str) -> None:
        """Record requests with their error. Raises Fault when most cannot be answered."""
        by_round: dict[int, list[RequestRef]] = {}
        for request in requests:
            by_round.setdefault(round_of(request.part), []).append(request)
        for round_, each in by_round.items():
            self._store.set_aside(round_, each, error, self._run_id)
        self.count += len(requests)
        self._log(f"{len(requests)} request(s) set aside, first {requests[0].request_id}: {error}")
        if self.count > max(MOST_ASIDE, self.answered):
            raise Fault(f"{self.count} requests cannot be answered, {self.answered} were; last: {error}")
