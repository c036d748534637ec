"""The engines of a run: dispatches request numbers, replaces what dies, yields what is committed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cluster.dispatch import Dispatcher
from cluster.messages import Committed, EngineName, Ready, Report
from cluster.placement import wait_for_node
from cluster.remote import RemoteEngine, launch_engine
from cluster.spec import EngineSpec
from cluster.store import RequestRef, Store, round_of
from cluster.suspects import TRIES
from generation.errors import Fault, UserError
from generation.parts import read_parts
from generation.records import ROW_SCHEMA

REPORT_SECONDS = 1.0
OTHERS_SECONDS = 30.0  # that the first engine which is ready waits for the others
# deaths in a row without one committed part in between: then the fault is not chance
MOST_DEATHS = 3
# the same while suspects are tried apart: halving a thousand requests takes ten
MOST_DEATHS_APART = 12
# requests set aside before anything is amiss with all of them, if they are more than those answered
MOST_ASIDE = 10


@dataclass(frozen=True)
class PoolStatus:
    """Tokens and rows at one moment. `produced` counts lost tokens too, `in_flight` rows asked for."""

    produced: int
    lost: int
    in_flight: int
    engines: int


@dataclass
class _Member:
    """An engine, the report it owes, its tokens so far, and the number of the last part it told of.

    `moved_at` is when it last brought a token, or had nothing to do.
    """

    name: EngineName
    engine: RemoteEngine
    pending: Any = None
    produced: int = 0
    committed: int = 0
    last_part: int = -1
    moved_at: float = field(default_factory=time.monotonic)
    pids: list[int] = field(default_factory=list)


class EnginePool:
    """`start`, then `generate` as often as needed, then `stop`; engines live as long as the pool.

    `observe` is called about once a second with a PoolStatus, `log` with lines for people, `lost` with the tokens that
    died with an engine, `ready` for each engine that is up. `launch` makes an engine; one of vLLM's by default.
    """

    def __init__(
        self,
        spec: EngineSpec,
        count: int,
        store: Store,
        run_id: str,
        epoch: int,
        template: str | None = None,
        observe: Callable[[PoolStatus], None] = lambda status: None,
        log: Callable[[str], None] = lambda line: None,
        lost: Callable[[int], None] = lambda tokens: None,
        ready: Callable[[Ready], None] = lambda ready: None,
        launch: Callable[[EngineName], RemoteEngine] | None = None,
    ) -> None:
        self._spec, self._count, self._store, self._run_id, self._epoch = spec, count, store, run_id, epoch
        self._observe, self._log, self._lost, self._ready = observe, log, lost, ready
        self._launch = launch or (lambda name: launch_engine(spec, name, store.address, run_id, template))
        self._members: dict[EngineName, _Member] = {}
        self._dispatcher = Dispatcher(spec.max_num_seqs)
        self._incarnations = [0] * count
        self._deaths = 0
        self._answered = self._aside = 0
        self._retired_tokens = 0
        self._observed = 0.0
        self._starting: dict[int, tuple[_Member, Any]] = {}
        self.lost_tokens = 0

    @property
    def is_started(self) -> bool:
        """Whether engines are up."""
        return bool(self._members)

    def begin_start(self) -> None:
        """Create the engines without waiting for them."""
        for engine in range(self._count):
            self._begin(engine)

    def start(self) -> None:
        """Wait until the first engine is ready, and a little for the others; those that come later join then.

        Raises UserError when no node can host an engine, Fault with the engine's own words when one cannot start.
        """
        import ray

        if not self._starting and not self._members:
            self.begin_start()
        wait_for_node(self._spec)
        waiting = {reference: engine for engine, (_, reference) in self._starting.items()}
        ray.wait(list(waiting), num_returns=1)
        done, _ = ray.wait(list(waiting), num_returns=len(waiting), timeout=OTHERS_SECONDS)
        for reference in done:
            self._finish(waiting[reference])

    def generate(self, refs: Iterable[RequestRef], tokens_left: int | None = None) -> Iterator[Committed]:
        """Have all requests generated; yields each part once it is committed. A dead engine is replaced.

        `refs` are drawn as engines have room. With `tokens_left`, a request goes out only if it, at its longest, and
        all that is in flight stay within it; what does not fit is left undone.
        """
        self._dispatcher.begin(refs, tokens_left)
        for member in self._members.values():
            member.moved_at = time.monotonic()
        while True:
            for member in self._members.values():
                self._fill(member)
            if not self._dispatcher.rows_in_flight and (self._members or not self._starting):
                return
            for member in self._reporting():
                yield from self._collect(member)
            for member in self._hung():
                yield from self._replace(member, f"no token for {self._spec.hang_seconds:g} s")
            if time.monotonic() - self._observed >= REPORT_SECONDS:
                self._observe(self.status())
                self._observed = time.monotonic()

    def status(self) -> PoolStatus:
        """Counts of this moment."""
        produced = self._retired_tokens + sum(member.produced for member in self._members.values())
        return PoolStatus(produced, self.lost_tokens, self._dispatcher.rows_in_flight, len(self._members))

    def pids(self) -> list[int]:
        """Process ids of the engine cores on this machine."""
        return [pid for member in self._members.values() for pid in member.pids]

    def stop(self) -> None:
        """End all engines; their cores follow them (see tie.py)."""
        for member in [*self._members.values(), *(member for member, _ in self._starting.values())]:
            member.engine.kill()
        self._members.clear()
        self._starting.clear()

    def _begin(self, number: int) -> None:
        name = EngineName(self._epoch, number, self._incarnations[number])
        self._incarnations[number] += 1
        engine = self._launch(name)
        self._starting[number] = (_Member(name, engine), engine.start())

    def _finish(self, engine: int) -> None:
        import ray

        member, waiting = self._starting.pop(engine)
        try:
            ready: Ready = ray.get(waiting)
        except ray.exceptions.RayError as error:
            reason = " ".join(str(getattr(error, "cause", None) or error).split())
            raise Fault(f"engine {member.name} could not start: {reason[:400]}") from None
        if ready.model_hash != self._spec.model_hash:
            raise UserError(f"model: the engine loaded {ready.model_hash}, the run needs {self._spec.model_hash}")
        member.pids = ready.pids
        self._members[member.name] = member
        self._dispatcher.join(member.name)
        self._ready(ready)

    def _fill(self, member: _Member) -> None:
        batch: dict[str, list[int]] = {}
        for request in self._dispatcher.take(member.name):
            batch.setdefault(request.part, []).append(request.place)
        for part, places in batch.items():
            member.engine.submit(part, places)

    def _reporting(self) -> list[_Member]:
        """Wait for reports, and for engines that start; engines that are ready by now are members afterwards."""
        import ray

        for member in self._members.values():
            member.pending = member.pending or member.engine.report(REPORT_SECONDS)
        reports = {member.pending: member for member in self._members.values()}
        starts = {waiting: engine for engine, (_, waiting) in self._starting.items()}
        everything = [*reports, *starts]
        ray.wait(everything, num_returns=1, timeout=REPORT_SECONDS * 2)
        done, _ = ray.wait(everything, num_returns=len(everything), timeout=0)  # all that came with the first
        for waiting in done:
            if waiting in starts:
                self._finish(starts[waiting])
        return [reports[waiting] for waiting in done if waiting in reports]

    def _hung(self) -> list[_Member]:
        """Engines that live, and have work, and do none."""
        now = time.monotonic()
        for member in self._members.values():
            if not self._dispatcher.is_busy(member.name):
                member.moved_at = now
        return [member for member in self._members.values() if now - member.moved_at > self._spec.hang_seconds]

    def _collect(self, member: _Member) -> Iterator[Committed]:
        import ray

        try:
            report: Report = ray.get(member.pending)
        except ray.exceptions.RayActorError as error:
            yield from self._replace(member, str(error).splitlines()[0])
            return
        member.pending = None
        if report.produced > member.produced or report.committed:
            member.moved_at = time.monotonic()
        member.produced = report.produced
        for part in report.committed:
            yield self._accept(member, part)
        self._dispatcher.reported(member.name, report.buffered, time.monotonic())
        for request_id, reason in report.refused:
            if request := self._dispatcher.refused(member.name, request_id):
                self._set_aside([request], reason)
        if report.fatal is not None:
            self._dispatcher.drop(member.name)
            raise report.fatal
        if report.error is not None:
            yield from self._replace(member, report.error)

    def _accept(self, member: _Member, part: Committed) -> Committed:
        self._deaths = 0
        self._answered += len(part.request_ids)
        member.last_part = sequence_of(part.part)
        member.committed += part.output_tokens
        self._dispatcher.finished(member.name, part.request_ids, part.prompt_tokens + part.output_tokens)
        return part

    def _set_aside(self, requests: Sequence[RequestRef], error: str) -> None:
        """Record requests that cannot be answered. Raises Fault when most cannot."""
        by_round: dict[int, list[RequestRef]] = {}
        for request in requests:
            by_round.setdefault(round_of(request.part), []).append(request)
        for round_, each in by_round.items():
            self._store.set_aside(round_, each, error, self._run_id)
        self._aside += len(requests)
        self._log(f"{len(requests)} request(s) set aside, first {requests[0].request_id}: {error}")
        if self._aside > max(MOST_ASIDE, self._answered):
            raise Fault(f"{self._aside} requests cannot be answered, {self._answered} were; last: {error}")

    def _replace(self, member: _Member, error: str) -> Iterator[Committed]:
        """Start a new engine in a dead one's place and give its requests out again, but for those it committed."""
        member.engine.kill()
        for part in late_parts(self._store, member.name, member.last_part):
            yield self._accept(member, part)
        del self._members[member.name]
        self._retired_tokens += member.produced
        self._deaths += 1
        lost = max(0, member.produced - member.committed)
        self.lost_tokens += lost
        self._dispatcher.spend(lost)
        self._lost(lost)
        loss = self._dispatcher.leave(member.name)
        again = loss.requests - len(loss.aside)
        self._log(f"engine {member.name} died ({error}); {lost} tokens lost, {again} requests issued again")
        if loss.aside:
            self._set_aside(loss.aside, f"engines died of it {TRIES} times; last: {error}")
        if self._deaths >= (MOST_DEATHS_APART if loss.apart else MOST_DEATHS):
            raise Fault(f"engines died {self._deaths} times in a row without committing a row; last: {error}")
        self._begin(member.name.engine)


def sequence_of(part: str) -> int:
    """The number of a part among those of its engine."""
    return int(Path(part).stem.rsplit("-", 1)[1])


def late_parts(store: Store, name: EngineName, last: int) -> Iterator[Committed]:
    """Parts that a dead engine committed after its part number `last`, of which it could no longer tell."""
    columns = ["request_id", "prompt_tokens", "output_tokens"]
    for round_ in store.rounds():
        for part in store.parts(round_, "generated"):
            if not Path(part).name.startswith(f"part-{name}-") or sequence_of(part) <= last:
                continue
            rows = read_parts(store.filesystem, [part], ROW_SCHEMA, columns).to_pydict()
            prompts = dict(zip(rows["request_id"], rows["prompt_tokens"], strict=True))
            tokens = sum(rows["output_tokens"])
            yield Committed(part, tuple(prompts), len(rows["request_id"]), sum(prompts.values()), 0, tokens)
