"""The requests next in turn, sorted by adapter and prompt: an engine is given those whose prefix it has cached."""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from cluster.messages import EngineName
from cluster.store import RequestRef

SIZE = 4096  # rows looked ahead, at least: enough to see all prompts of a wave
RUN = 8  # requests of one prompt given in a row before another prompt has its turn
CLAIM = 4 * RUN  # requests of one prompt that an engine claims at once: a prompt may be all there is
OWNERS = 8192  # prompts whose engine is remembered


class _End:
    """What a stream that has ended gives."""


_END = _End()


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
    """Draws from a stream of requests as they are needed, `size` rows ahead: memory does not grow with their number.

    An engine first gets prompts that it has had before, then such as nobody has, and at last those that wait for the
    engine that has the most waiting: no engine idles for the sake of a cache. Of adapters it gets at most
    `max_adapters` (0: any number) as long as those have requests; one that no engine has comes before others. After a
    None the stream is looked at again only when all before it is drawn.
    """

    def __init__(self, requests: Iterable[RequestRef | None] = (), size: int = SIZE, max_adapters: int = 0) -> None:
        self._source, self._size, self._max_adapters = iter(requests), size, max_adapters
        self._again: deque[RequestRef] = deque()
        self._free: OrderedDict[str, _Groups] = OrderedDict()  # by adapter; those that had their turn are last
        self._held: dict[EngineName, OrderedDict[str, None]] = {}  # adapters of each engine, the last in use last
        self._holders: Counter[str] = Counter()
        self._owned: dict[EngineName, _Groups] = {}
        self._owners: OrderedDict[str, EngineName] = OrderedDict()
        self._waiting = 0
        self._ended = self._paused = False

    @property
    def awaits(self) -> bool:
        """Whether nothing is there to draw, but the stream has not ended."""
        return not (self._ended or self._waiting or self._again)

    @property
    def waiting(self) -> int:
        """Rows looked ahead to that nobody has."""
        return self._waiting + sum(request.samples for request in self._again)

    def draw(self, engine: EngineName, fits: Callable[[RequestRef], bool] = lambda request: True) -> RequestRef | None:
        """The next request for an engine; None when there is none, or when that one does not fit."""
        if self._again:
            return self._again.popleft() if fits(self._again[0]) else None
        self._look_ahead()
        groups = self._groups_for(engine)
        if groups is None or not fits(groups.head()):
            return None
        request = groups.pop()
        self._waiting -= request.samples
        return request

    def put_back(self, requests: Iterable[RequestRef]) -> None:
        """Requests to be drawn again, before all others."""
        self._again.extend(requests)

    def forget(self, engine: EngineName) -> None:
        """An engine is gone, and its cache with it."""
        if left := self._owned.pop(engine, None):
            for prompt, waiting in left.by_prompt.items():
                self._free_of(waiting[0].adapter).add(prompt, waiting)
        self._holders.subtract(list(self._held.pop(engine, ())))
        self._owners = OrderedDict((prompt, owner) for prompt, owner in self._owners.items() if owner != engine)

    def _look_ahead(self) -> None:
        if self._paused and self._waiting:
            return
        self._paused = False
        while self._waiting < self._size and not self._ended:
            request = next(self._source, _END)
            if isinstance(request, _End):
                self._ended = True
                return
            if request is None:
                self._paused = True
                return
            prompt = f"{request.adapter}/{request.prompt_hash}" if request.adapter else request.prompt_hash
            owner = self._owners.get(prompt)
            groups = self._free_of(request.adapter) if owner is None else self._owned[owner]
            groups.add(prompt, [request])
            self._waiting += request.samples

    def _free_of(self, adapter: str) -> _Groups:
        if (groups := self._free.get(adapter)) is None:
            groups = self._free[adapter] = _Groups()
        return groups

    def _groups_for(self, engine: EngineName) -> _Groups | None:
        own = self._owned.setdefault(engine, _Groups())
        if own.requests == 0:
            if self._free:
                prompt, claimed = self._claim_free(engine)
            else:
                busiest = max(self._owned.values(), key=lambda each: each.requests)
                if busiest.requests == 0:
                    return None
                prompt, claimed = busiest.claim(newest=True)
            own.add(prompt, claimed)
            self._own(prompt, engine)
            if adapter := claimed[0].adapter:
                self._hold(engine, adapter)
        return own

    def _claim_free(self, engine: EngineName) -> tuple[str, list[RequestRef]]:
        adapter = next(iter(self._free)) if len(self._free) == 1 else self._choose(engine)
        groups = self._free[adapter]
        claimed = groups.claim(newest=False)
        self._free.move_to_end(adapter)
        if not groups.requests:
            del self._free[adapter]
        return claimed

    def _choose(self, engine: EngineName) -> str:
        """An adapter that nobody has, if there is room for one; else one that the engine has; else the rarest."""
        held = self._held.get(engine, OrderedDict())
        room = not self._max_adapters or len(held) < self._max_adapters

        def rank(adapter: str) -> tuple[int, int]:
            if not adapter or adapter in held:
                return 1, 0
            holders = self._holders[adapter]
            return (2 if holders or not room else 0), holders

        return min(self._free, key=rank)

    def _hold(self, engine: EngineName, adapter: str) -> None:
        held = self._held.setdefault(engine, OrderedDict())
        if adapter not in held:
            self._holders[adapter] += 1
        held[adapter] = None
        held.move_to_end(adapter)
        if self._max_adapters and len(held) > self._max_adapters:
            dropped, _ = held.popitem(last=False)
            self._holders[dropped] -= 1
            for prompt in [each for each in self._owners if each.startswith(f"{dropped}/")]:
                if self._owners[prompt] == engine:
                    del self._owners[prompt]

    def _own(self, prompt: str, engine: EngineName) -> None:
        self._owners[prompt] = engine
        self._owners.move_to_end(prompt)
        if len(self._owners) > OWNERS:
            self._owners.popitem(last=False)
