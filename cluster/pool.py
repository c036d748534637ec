"""The engines of a run: dispatches request numbers, replaces what dies, yields what is committed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager

from cluster.aside import Aside
from cluster.budget import Budget
from cluster.dispatch import Dispatcher
from cluster.draining import draining_nodes
from cluster.fleet import Fleet
from cluster.late import late_parts, sequence_of
from cluster.launcher import Launcher
from cluster.member import Member
from cluster.messages import Committed, EngineName, PoolStatus, Ready, Report
from cluster.remote import RemoteEngine, launch_engine
from cluster.server_spec import ServerSpec
from cluster.spec import EngineSpec
from cluster.store import RequestRef, Store
from cluster.suspects import TRIES
from cluster.usage import Stopwatch, Usage
from generation.errors import Fault

REPORT_SECONDS = 1.0
AWAITING_SECONDS = 0.1  # the same while there are no requests to give, but more to come
# deaths in a row without one committed part in between: then the fault is not chance
MOST_DEATHS = 3
# the same while suspects are tried apart: halving a thousand requests takes ten
MOST_DEATHS_APART = 12


class EnginePool:
    """`start`, then `generate` as often as needed, then `stop`; engines live as long as the pool.

    `observe` is called about once a second with a PoolStatus, `log` with lines for people, `lost` with the tokens that
    died with an engine, `ready` for each engine that is up. `launch` makes an engine; one of vLLM's by default. There
    are `count` engines, and up to `most` while much work waits.
    """

    def __init__(
        self,
        spec: EngineSpec | ServerSpec,
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
        most: int | None = None,
    ) -> None:
        make = launch or (lambda name: launch_engine(spec, name, store.address, run_id, template))
        self._spec, self._store = spec, store
        self._observe, self._log, self._lost = observe, log, lost
        self._dispatcher = Dispatcher(spec.max_num_seqs, spec.max_loras)
        launcher = Launcher(spec, epoch, make, log)
        self._fleet = Fleet(spec, count, max(count, most or count), launcher, self._dispatcher, log, ready)
        self._aside = Aside(store, run_id, log)
        self._budget = Budget()
        self._deaths = 0
        self._adapter_loads = 0
        self._observed = 0.0
        self.lost_tokens = 0
        self.usage = Usage()

    @property
    def is_started(self) -> bool:
        """Whether engines are up."""
        return bool(self._fleet.members)

    def begin_start(self) -> None:
        """Create the engines without waiting for them."""
        self._fleet.begin_start()

    def start(self) -> None:
        """Wait until the first engine is ready, and a little for the others; those that come later join then.

        Raises UserError when no node can host an engine, Fault with the engine's own words when one cannot start.
        """
        self._fleet.start()

    @property
    def answered(self) -> Mapping[str, int]:
        """Requests of each plan part that this `generate` has had committed or set aside."""
        return self._dispatcher.answered

    def generate(self, refs: Iterable[RequestRef | None], budget: Budget | None = None) -> Iterator[Committed]:
        """Have all requests generated; yields each part once it is committed. A dead engine is replaced.

        `refs` are drawn as engines have room; None among them says that the next are not known yet. A request goes out
        only if it, at its longest, and all that is in flight stay within the budget; what does not fit is left undone.
        """
        self._budget = budget or Budget()
        self._dispatcher.begin(refs, self._budget)
        self.usage, stopwatch = Usage(), Stopwatch()
        fleet = self._fleet
        fleet.begin_work()
        while True:
            self._dispatcher.spend(0, self._budget.prices.of_engines(fleet.time.charge()))
            fleet.let_go()
            for member in fleet.members.values():
                self._fill(member)
            if self._is_done():
                return
            working, engines = sum(map(self._dispatcher.is_working, fleet.members)), len(fleet.members)
            members = self._reporting()
            self.usage.add(stopwatch.lap(), working, engines)
            for member in members:
                yield from self._collect(member)
            for member in fleet.hung():
                yield from self._replace(member, f"no token for {self._spec.hang_seconds:g} s")
            fleet.scale()
            if time.monotonic() - self._observed >= REPORT_SECONDS:
                self._observe(self.status())
                self._observed = time.monotonic()
                fleet.retire_on(draining_nodes())

    def _is_done(self) -> bool:
        engines_or_none_to_come = self._fleet.members or not self._fleet.starting
        return bool(not self._dispatcher.rows_in_flight and engines_or_none_to_come and not self._dispatcher.awaits)

    def status(self) -> PoolStatus:
        """Counts of this moment."""
        members = self._fleet.members
        return PoolStatus(
            self._fleet.produced + sum(member.produced for member in members.values()),
            self.lost_tokens,
            self._dispatcher.rows_in_flight,
            len(members),
            self._aside.count,
            self._adapter_loads,
            self._dispatcher.awaits,
        )

    def take_engine_seconds(self) -> float:
        """Seconds that engines have been up or starting since the last call, all together."""
        return self._fleet.time.take()

    def pids(self) -> list[int]:
        """Process ids of the engine cores on this machine."""
        return [pid for member in self._fleet.members.values() for pid in member.pids]

    @contextmanager
    def asleep(self) -> Iterator[None]:
        """Engines give their GPUs' memory back for the block, if that is set; not while `generate` goes on."""
        self._fleet.sleep(True)
        yield
        self._fleet.sleep(False)

    def stop(self) -> None:
        """End all engines."""
        self._fleet.stop()

    def _fill(self, member: Member) -> None:
        batch: dict[str, list[int]] = {}
        for request in self._dispatcher.take(member.name):
            batch.setdefault(request.part, []).append(request.place)
        for part, places in batch.items():
            member.engine.submit(part, places)

    def _reporting(self) -> list[Member]:
        """Wait for reports, and for engines that start; engines that are ready by now are members afterwards."""
        import ray

        seconds = AWAITING_SECONDS if self._dispatcher.awaits else REPORT_SECONDS
        for member in self._fleet.members.values():
            member.pending = member.pending or member.engine.report(seconds)
        reports = {member.pending: member for member in self._fleet.members.values()}
        everything = [*reports, *self._fleet.starting]
        ray.wait(everything, num_returns=1, timeout=REPORT_SECONDS * 2)
        done, _ = ray.wait(everything, num_returns=len(everything), timeout=0)  # all that came with the first
        self._fleet.join([waiting for waiting in done if waiting not in reports])
        return [reports[waiting] for waiting in done if waiting in reports]

    def _collect(self, member: Member) -> Iterator[Committed]:
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
        self._adapter_loads += report.loaded
        for part in report.committed:
            yield self._accept(member, part)
        self._dispatcher.reported(member.name, report.buffered, time.monotonic())
        if report.lost:
            self._lose(report.lost)
        for request_id in report.returned:
            self._dispatcher.returned(member.name, request_id)
        for request_id, reason in report.refused:
            if request := self._dispatcher.refused(member.name, request_id):
                self._aside.set([request], reason)
        if report.fatal is not None:
            self._dispatcher.drop(member.name)
            raise report.fatal
        if report.error is not None:
            yield from self._replace(member, report.error)

    def _accept(self, member: Member, part: Committed) -> Committed:
        self._deaths = 0
        self._aside.answered += len(part.request_ids)
        member.last_part = sequence_of(part.part)
        member.committed += part.output_tokens
        self.usage.prompt_tokens += part.prompt_tokens
        self.usage.cached_tokens += part.cached_tokens
        cost = self._budget.prices.of_tokens(part.prompt_tokens, part.output_tokens, part.cached_tokens)
        self._dispatcher.finished(member.name, part.request_ids, part.prompt_tokens + part.output_tokens, cost)
        return part

    def _lose(self, tokens: int) -> None:
        self.lost_tokens += tokens
        self._dispatcher.spend(tokens, self._budget.prices.of_lost(tokens))
        self._lost(tokens)

    def _replace(self, member: Member, error: str) -> Iterator[Committed]:
        """Start a new engine in a dead one's place and give its requests out again, but for those it committed."""
        member.engine.kill()
        for part in late_parts(self._store, member.name, member.last_part):
            yield self._accept(member, part)
        self._fleet.leave(member)
        self._deaths += 1
        self._lose(lost := max(0, member.produced - member.committed))
        loss = self._dispatcher.leave(member.name)
        again = loss.requests - len(loss.aside)
        self._log(f"engine {member.name} died ({error}); {lost} tokens lost, {again} requests issued again")
        if loss.aside:
            self._aside.set(loss.aside, f"engines died of it {TRIES} times; last: {error}")
        if self._deaths >= (MOST_DEATHS_APART if loss.apart else MOST_DEATHS):
            raise Fault(f"engines died {self._deaths} times in a row without committing a row; last: {error}")
        if not member.retiring:  # else another has started already
            self._fleet.begin(member.name.engine)
