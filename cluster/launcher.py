"""Engines on their way up: made, waited for, and checked when they are ready."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from cluster.member import Member
from cluster.messages import EngineName, Ready
from cluster.remote import RemoteEngine
from cluster.server_spec import ServerSpec
from cluster.spec import EngineSpec
from cluster.startup import start_error
from generation.errors import UserError

MOST_TRIES = 3  # starts in a row that something outside may end


class Launcher:
    """Starts engines by number; each start is another incarnation. `make` creates one without waiting."""

    def __init__(
        self,
        spec: EngineSpec | ServerSpec,
        epoch: int,
        make: Callable[[EngineName], RemoteEngine],
        log: Callable[[str], None],
    ) -> None:
        self._spec, self._epoch, self._make, self._log = spec, epoch, make, log
        self._incarnations: dict[int, int] = {}
        self._starting: dict[Any, Member] = {}
        self._killed = 0

    @property
    def starting(self) -> Mapping[Any, Member]:
        """Engines by what ray.wait waits for."""
        return self._starting

    def begin(self, number: int) -> None:
        """Create an engine without waiting for it."""
        name = EngineName(self._epoch, number, self._incarnations.get(number, 0))
        self._incarnations[number] = name.incarnation + 1
        engine = self._make(name)
        self._starting[engine.start()] = Member(name, engine)

    def finish(self, waiting: Any) -> tuple[Member, Ready] | None:
        """An engine whose start has ended, and what it found; None when it was killed and another starts.

        Raises UserError or Fault when it cannot start.
        """
        import ray

        member = self._starting.pop(waiting)
        try:
            ready: Ready = ray.get(waiting)
        except ray.exceptions.RayError as error:
            member.engine.kill()
            if isinstance(error, ray.exceptions.RayActorError) and self._killed + 1 < MOST_TRIES:
                # killed from outside, as with its node: not the engine's own doing
                self._killed += 1
                self._log(f"engine {member.name} died while it started ({str(error).splitlines()[0]}); another starts")
                self.begin(member.name.engine)
                return None
            raise start_error(member.name, getattr(error, "cause", None) or error, self._spec) from None
        if ready.model_hash != (wanted := self._spec.weights_hash or self._spec.model_hash):
            member.engine.kill()
            raise UserError(f"model: the engine loaded {ready.model_hash}, the run needs {wanted}")
        self._killed = 0
        member.pids, member.node = ready.pids, ready.node
        return member, ready

    def stop(self) -> None:
        """End all that are on their way."""
        for member in self._starting.values():
            member.engine.kill()
        self._starting.clear()
