"""Which engines there are: those on their way up join, idle ones beyond the fewest go, and so do nodes with notice."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

from cluster.dispatch import Dispatcher
from cluster.launcher import Launcher
from cluster.member import Member
from cluster.messages import EngineName, Ready
from cluster.placement import wait_for_node
from cluster.scaling import is_spare, wants_more
from cluster.server_spec import ServerSpec
from cluster.spec import EngineSpec
from cluster.usage import EngineTime
from generation.errors import Fault, UserError

OTHERS_SECONDS = 30.0  # that the first engine which is ready waits for the others


class Fleet:
    """The members of a pool: `count` engines, and up to `most` while much work waits.

    `produced` are the tokens of those that are gone. `ready` is called for each engine that is up.
    """

    def __init__(
        self,
        spec: EngineSpec | ServerSpec,
        count: int,
        most: int,
        launcher: Launcher,
        dispatcher: Dispatcher,
        log: Callable[[str], None],
        ready: Callable[[Ready], None],
    ) -> None:
        self._spec, self._count, self._most = spec, count, most
        self._launcher, self._dispatcher, self._log, self._ready = launcher, dispatcher, log, ready
        self.members: dict[EngineName, Member] = {}
        self.time = EngineTime(lambda: len(self.members) + len(launcher.starting))
        self.produced = 0

    @property
    def starting(self) -> list[Any]:
        """What ray.wait waits for of engines on their way up."""
        return list(self._launcher.starting)

    @property
    def staying(self) -> list[Member]:
        """Engines that are not about to go."""
        return [member for member in self.members.values() if not member.retiring]

    def begin_start(self) -> None:
        """Create the engines without waiting for them."""
        for engine in range(self._count):
            self.begin(engine)

    def start(self) -> None:
        """Wait until the first engine is ready, and a little for the others. Raises UserError, Fault."""
        import ray

        if not self.starting and not self.members:
            self.begin_start()
        wait_for_node(self._spec, self._log)
        while not self.members:
            starting = self.starting
            ray.wait(starting, num_returns=1)
            done, _ = ray.wait(starting, num_returns=len(starting), timeout=OTHERS_SECONDS)
            self.join(done)

    def begin(self, number: int) -> None:
        """Create an engine of that number without waiting for it."""
        self.time.look()
        self._launcher.begin(number)

    def join(self, started: Iterable[Any]) -> None:
        """Starts have ended: those engines are members now, or others start in their place."""
        for waiting in started:
            self.time.look()
            try:
                up = self._launcher.finish(waiting)
            except (UserError, Fault) as problem:
                if len(self.staying) < self._count:
                    raise
                self._most = len(self.staying)  # what worked without it goes on
                self._log(f"{problem}; going on with {self._most} engine(s)")
                continue
            if up is not None:
                member, ready = up
                self.members[member.name] = member
                self._dispatcher.join(member.name)
                self._ready(ready)

    def leave(self, member: Member) -> None:
        """A member is gone; its engine has been killed."""
        self.time.look()
        self.produced += member.produced
        del self.members[member.name]

    def begin_work(self) -> None:
        """From now on it counts whether engines are idle or hung."""
        for member in self.members.values():
            member.moved_at = member.busy_at = time.monotonic()

    def hung(self) -> list[Member]:
        """Engines that live, and have work, and do none."""
        now = time.monotonic()
        for member in self.members.values():
            if not self._dispatcher.is_busy(member.name):
                member.moved_at = now
        return [member for member in self.members.values() if now - member.moved_at > self._spec.hang_seconds]

    def scale(self) -> None:
        """Another engine while much work waits; those beyond the fewest go when they idle."""
        waiting, now, staying = self._dispatcher.waiting, time.monotonic(), self.staying
        if wants_more(len(staying), len(self.starting), self._most, waiting, self._spec.max_num_seqs):
            taken = {member.name.engine for member in staying}
            self.begin(next(number for number in range(self._most) if number not in taken))
        for member in staying:
            if self._dispatcher.is_busy(member.name):
                member.busy_at = now
            elif is_spare(len(self.staying), self._count, waiting, now - member.busy_at):
                self._dismiss(member)
                self._log(f"engine {member.name} has nothing to do and is ended")

    def retire_on(self, nodes: frozenset[str]) -> None:
        """Have engines on these nodes finish what they have, while others start in their place."""
        for member in [each for each in self.staying if each.node in nodes]:
            member.retiring = True
            self._dispatcher.retire(member.name)
            self._log(f"engine {member.name}: its node will go away; it finishes what it has, another starts")
            self.begin(member.name.engine)

    def let_go(self) -> None:
        """End engines that retire and have nothing left."""
        for member in [each for each in self.members.values() if each.retiring]:
            if not self._dispatcher.is_busy(member.name):
                self._dismiss(member)

    def sleep(self, asleep: bool) -> None:
        """Have engines give their GPUs' memory back, or take it again, if that is set."""
        import ray

        if self._spec.sleep:
            ray.get([member.engine.sleep(asleep) for member in self.members.values()])

    def stop(self) -> None:
        """End all engines; their cores follow them (see tie.py)."""
        self._launcher.stop()
        for member in list(self.members.values()):
            member.engine.kill()
            self.leave(member)

    def _dismiss(self, member: Member) -> None:
        member.engine.kill()
        self.leave(member)
        self._dispatcher.leave(member.name)
