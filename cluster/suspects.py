"""Requests that were on an engine when it died: which of them kill engines?"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Sequence

from cluster.store import RequestRef

TRIES = 3  # engines that a request may take down before it is set aside, the last of them alone
SUSPECT = 2  # engines that died under a request before it is tried apart from others


class Suspects:
    """Deaths per request. One death is chance; after the second, halving the group finds the culprit."""

    def __init__(self) -> None:
        self._deaths: Counter[str] = Counter()
        self._groups: deque[list[RequestRef]] = deque()

    def __len__(self) -> int:
        """Groups that wait to be tried, each apart."""
        return len(self._groups)

    def next_group(self) -> list[RequestRef]:
        """To be given to an engine that has nothing else, and gets nothing else before they are done."""
        return self._groups.popleft()

    def put_back(self, group: list[RequestRef]) -> None:
        """To be tried first of all, apart from what was taken of it."""
        self._groups.appendleft(group)

    def died(self, requests: Sequence[RequestRef], apart: bool) -> tuple[list[RequestRef], list[RequestRef]]:
        """An engine died with these, which were tried `apart` or not: those to give out again, those to set aside."""
        self._deaths.update(request.request_id for request in requests)
        if not apart:
            again = [request for request in requests if self._deaths[request.request_id] < SUSPECT]
            if doubtful := [request for request in requests if self._deaths[request.request_id] >= SUSPECT]:
                self._groups.append(doubtful)
            return again, []
        if len(requests) == 1 and self._deaths[requests[0].request_id] >= TRIES:
            self.cleared([requests[0].request_id])
            return [], list(requests)
        middle = len(requests) // 2
        self._groups.extendleft(half for half in (list(requests[middle:]), list(requests[:middle])) if half)
        return [], []

    def cleared(self, request_ids: Iterable[str]) -> None:
        """These were answered after all, or are out of the way."""
        if self._deaths:
            for request_id in request_ids:
                self._deaths.pop(request_id, None)
