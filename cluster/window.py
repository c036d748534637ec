"""The requests next in turn, sorted by prompt, so that an engine is given those whose prefix it has cached."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from cluster.messages import EngineName
from cluster.store import RequestRef

SIZE = 1024  # requests looked ahead, at least: enough to see all prompts of a wave
RUN = 8  # requests of one prompt given in a row before another prompt has its turn
CLAIM = 4 * RUN  # requests of one prompt that an engine claims at once: a prompt may be all there is
OWNERS = 8192  # prompts whose engine is remembered


@dataclass
class _Groups:
    """Waiting requests by prompt; prompts take turns of RUN requests."""

    by_prompt: OrderedDict[str, deque[RequestRef]] = field(default_factory=OrderedDict)
    requests: int = 0
    turn: int = 0

    def add(self, prompt: str, requests: Iterable[RequestRef]) -> None:
        waiting = self.by_prompt.setdefault(prompt, deque())
        before = len(waiting)
        waiting.extend(requests)
        self.requests += len(waiting) - before

    def head(self) -> RequestRef:
        return next(iter(self.by_prompt.values()))[0]

    def pop(self) -> RequestRef:
        prompt, waiting = next(iter(self.by_prompt.items()))
        request = waiting.popleft()
        self.requests -= 1
        self.turn += 1
        if not waiting:
            del self.by_prompt[prompt]
            self.turn = 0
        elif self.turn >= RUN:
            self.by_prompt.move_to_end(prompt)
            self.turn = 0
        return request

    def claim(self, newest: bool) -> tuple[str, list[RequestRef]]:
        """Up to CLAIM requests of the prompt next in turn, or of the one that has its turn last."""
        prompt = next(reversed(self.by_prompt) if newest else iter(self.by_prompt))
        waiting = self.by_prompt[prompt]
        claimed = [waiting.popleft() for _ in range(min(CLAIM, len(waiting)))]
        self.requests -= len(claimed)
        if not waiting:
            del self.by_prompt[prompt]
            self.turn = 0
        return prompt, claimed


class Window:
    """Draws from a stream of requests as they are needed: memory does not grow with their number.

    An engine first gets prompts that it has had before, then such as nobody has, and at last those that wait for the
    engine that has the most waiting: no engine idles for the sake of a cache.
    """

    def __init__(self, requests: Iterable[RequestRef] = (), size: int = SIZE) -> None:
        self._source, self._size = iter(requests), size
        self._again: deque[RequestRef] = deque()
        self._free = _Groups()
        self._owned: dict[EngineName, _Groups] = {}
        self._owners: OrderedDict[str, EngineName] = OrderedDict()
        self._waiting = 0

    def __len__(self) -> int:
        """Requests drawn from the stream that wait."""
        return self._waiting + len(self._again)

    def draw(self, engine: EngineName, fits: Callable[[RequestRef], bool] = lambda request: True) -> RequestRef | None:
        """The next request for an engine; None when there is none, or when that one does not fit."""
        if self._again:
            return self._again.popleft() if fits(self._again[0]) else None
        self._look_ahead()
        groups = self._groups_for(engine)
        if groups is None or not fits(groups.head()):
            return None
        self._waiting -= 1
        return groups.pop()

    def put_back(self, requests: Iterable[RequestRef]) -> None:
        """Requests to be drawn again, before all others."""
        self._again.extend(requests)

    def forget(self, engine: EngineName) -> None:
        """An engine is gone, and its cache with it."""
        if left := self._owned.pop(engine, None):
            for prompt, waiting in left.by_prompt.items():
                self._free.add(prompt, waiting)
        self._owners = OrderedDict((prompt, owner) for prompt, owner in self._owners.items() if owner != engine)

    def _look_ahead(self) -> None:
        while self._waiting < self._size and (request := next(self._source, None)) is not None:
            owner = self._owners.get(request.prompt_hash)
            groups = self._free if owner is None else self._owned[owner]
            groups.add(request.prompt_hash, [request])
            self._waiting += 1

    def _groups_for(self, engine: EngineName) -> _Groups | None:
        own = self._owned.setdefault(engine, _Groups())
        if own.requests == 0:
            busiest = self._free if self._free.requests else max(self._owned.values(), key=lambda each: each.requests)
            if busiest.requests == 0:
                return None
            prompt, claimed = busiest.claim(newest=busiest is not self._free)
            own.add(prompt, claimed)
            self._own(prompt, engine)
        return own

    def _own(self, prompt: str, engine: EngineName) -> None:
        self._owners[prompt] = engine
        self._owners.move_to_end(prompt)
        if len(self._owners) > OWNERS:
            self._owners.popitem(last=False)
