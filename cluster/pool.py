"""The engines of a run: dispatches request numbers, replaces what dies, yields what is committed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cluster.budget import Budget
from cluster.dispatch import Dispatcher
from cluster.draining import draining_nodes
from cluster.messages import Committed, EngineName, Ready, Report
from cluster.placement import wait_for_node
from cluster.remote import RemoteEngine, launch_engine
from cluster.scaling import is_spare, wants_more
from cluster.server_spec import ServerSpec
from cluster.spec import EngineSpec
from cluster.startup import start_error
from cluster.store import RequestRef, Store, round_of
from cluster.suspects import TRIES
from cluster.usage import Stopwatch, Usage
from generation.errors import Fault, UserError
from generation.parts import read_parts
from generation.records import ROW_SCHEMA

REPORT_SECONDS = 1.0
AWAITING_SECONDS = 0.1  # the same while there are no requests to give, but more to come
OTHERS_SECONDS = 30.0  # that the first engine which is ready waits for the others
# deaths in a row without one committed part in between: then the fault is not chance
MOST_DEATHS = 3
# the same while suspects are tried apart: halving a thousand requests takes ten
MOST_DEATHS_APART = 12
# requests set aside before anything is amiss with all of them, if they are more than those answered
MOST_ASIDE = 10


@dataclass(frozen=True)
class PoolStatus:
    """Tokens and rows at one moment. `produced` counts lost tokens too, `in_flight` rows asked for.

    `aside` counts requests that no engine can answer, `adapter_loads` adapters loaded by engines. `awaits`: there is
    nothing to give to engines before more requests are known.
    """

    produced: int
    lost: int
    in_flight: int
    engines: int
    aside: int = 0
    adapter_loads: int = 0
    awaits: bool = False


@dataclass
class _Member:
    """An engine, the report it owes, its tokens so far, and the number of the last part it told of.

    `moved_at` is when it last brought a token, or had nothing to do; `busy_at` when it last had something to do.
    `retiring`: it goes when it has nothing left.
    """

    name: EngineName
    engine: RemoteEngine
    pending: Any = None
    produced: int = 0
    committed: int = 0
    last_part: int = -1
    moved_at: float = field(default_factory=time.monotonic)
    busy_at: float = field(default_factory=time.monotonic)
    pids: list[int] = field(default_factory=list)
    node: str = ""
    retiring: bool = False


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
        self._spec, self._count, self._store, self._run_id, self._epoch = spec, count, store, run_id, epoch
        self._observe, self._log, self._lost, self._ready = observe, log, lost, ready
        self._launch = launch or (lambda name: launch_engine(spec, name, store.address, run_id, template))
        self._members: dict[EngineName, _Member] = {}
        self._dispatcher = Dispatcher(spec.max_num_seqs, spec.max_loras)
        self._most = max(count, most or count)
        self._incarnations = [0] * self._most
        self._deaths = 0
        self._answered = self._aside = 0
        self._retired_tokens = self._adapter_loads = 0
        self._observed = 0.0
        self._starting: dict[int, tuple[_Member, Any]] = {}
        self._budget = Budget()
        self._engine_seconds = self._charged_seconds = self._taken_seconds = 0.0
        self._looked = time.monotonic()
        self.lost_tokens = 0
        self.usage = Usage()

    @property
    def is_started(self) -> bool:
        """Whether engines are up."""
        return bool(self._members)

    def begin_start(self) -> None:
        """Create the engines without waiting for them."""
        self._count_time()
        for engine in range(self._count):
            self._begin(engine)

    def start(self) -> None:
        """Wait until the first engine is ready, and a little for the others; those that come later join then.

        Raises UserError when no node can host an engine, Fault with the engine's own words when one cannot start.
        """
        import ray

        if not self._starting and not self._members:
            self.begin_start()
        wait_for_node(self._spec, self._log)
        while not self._members:
            waiting = {reference: engine for engine, (_, reference) in self._starting.items()}
            ray.wait(list(waiting), num_returns=1)
            done, _ = ray.wait(list(waiting), num_returns=len(waiting), timeout=OTHERS_SECONDS)
            for reference in done:
                self._finish(waiting[reference])

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
        for member in self._members.values():
            member.moved_at = member.busy_at = time.monotonic()
        while True:
            self._charge_time()
            self._let_go()
            for member in self._members.values():
                self._fill(member)
            if self._is_done():
                return
            working, engines = sum(map(self._dispatcher.is_working, self._members)), len(self._members)
            members = self._reporting()
            self.usage.add(stopwatch.lap(), working, engines)
            for member in members:
                yield from self._collect(member)
            for member in self._hung():
                yield from self._replace(member, f"no token for {self._spec.hang_seconds:g} s")
            self._scale()
            if time.monotonic() - self._observed >= REPORT_SECONDS:
                self._observe(self.status())
                self._observed = time.monotonic()
                self._retire_on(draining_nodes())

    def _is_done(self) -> bool:
        engines_or_none_to_come = self._members or not self._starting
        return bool(not self._dispatcher.rows_in_flight and engines_or_none_to_come and not self._dispatcher.awaits)

    def status(self) -> PoolStatus:
        """Counts of this moment."""
        produced = self._retired_tokens + sum(member.produced for member in self._members.values())
        in_flight = self._dispatcher.rows_in_flight
        return PoolStatus(
            produced,
            self.lost_tokens,
            in_flight,
            len(self._members),
            self._aside,
            self._adapter_loads,
            self._dispatcher.awaits,
        )

    def take_engine_seconds(self) -> float:
        """Seconds that engines have been up or starting since the last call, all together."""
        self._count_time()
        passed, self._taken_seconds = self._engine_seconds - self._taken_seconds, self._engine_seconds
        self._charged_seconds = self._engine_seconds
        return passed

    def pids(self) -> list[int]:
        """Process ids of the engine cores on this machine."""
        return [pid for member in self._members.values() for pid in member.pids]

    @contextmanager
    def asleep(self) -> Iterator[None]:
        """Engines give their GPUs' memory back for the block, if that is set; not while `generate` goes on."""
        self._sleep(True)
        yield
        self._sleep(False)

    def _sleep(self, asleep: bool) -> None:
        import ray

        if self._spec.sleep:
            ray.get([member.engine.sleep(asleep) for member in self._members.values()])

    def stop(self) -> None:
        """End all engines; their cores follow them (see tie.py)."""
        self._count_time()
        for member in [*self._members.values(), *(member for member, _ in self._starting.values())]:
            member.engine.kill()
        self._members.clear()
        self._starting.clear()

    def _count_time(self) -> None:
        """To be called before engines come or go."""
        now = time.monotonic()
        self._engine_seconds += (len(self._members) + len(self._starting)) * (now - self._looked)
        self._looked = now

    def _scale(self) -> None:
        """Another engine while much work waits; those beyond the fewest go when they idle."""
        waiting, now = self._dispatcher.waiting, time.monotonic()
        up, starting = len(self._members), len(self._starting)
        if wants_more(up, starting, self._most, waiting, self._spec.max_num_seqs):
            taken = {member.name.engine for member in self._members.values()}
            self._begin(next(number for number in range(self._most) if number not in taken))
        for member in [each for each in self._members.values() if not each.retiring]:
            if self._dispatcher.is_busy(member.name):
                member.busy_at = now
            elif is_spare(len(self._members), self._count, waiting, now - member.busy_at):
                self._end(member)
                self._log(f"engine {member.name} has nothing to do and is ended")

    def _end(self, member: _Member) -> None:
        """End an engine that has nothing left to do."""
        member.engine.kill()
        self._dispatcher.leave(member.name)
        self._retired_tokens += member.produced
        del self._members[member.name]

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
            member.engine.kill()
            if isinstance(error, ray.exceptions.RayActorError) and self._deaths + 1 < MOST_DEATHS:
                # killed from outside, as with its node: not the engine's own doing
                self._deaths += 1
                self._log(f"engine {member.name} died while it started ({str(error).splitlines()[0]}); another starts")
                self._begin(engine)
                return
            problem = start_error(member.name, getattr(error, "cause", None) or error, self._spec)
            if len(self._members) < self._count:
                raise problem from None
            self._most = len(self._members)  # what worked without it goes on
            self._log(f"{problem}; going on with {self._most} engine(s)")
            return
        if ready.model_hash != (wanted := self._spec.weights_hash or self._spec.model_hash):
            raise UserError(f"model: the engine loaded {ready.model_hash}, the run needs {wanted}")
        member.pids, member.node = ready.pids, ready.node
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

        seconds = AWAITING_SECONDS if self._dispatcher.awaits else REPORT_SECONDS
        for member in self._members.values():
            member.pending = member.pending or member.engine.report(seconds)
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

    def _retire_on(self, nodes: frozenset[str]) -> None:
        """Have engines on these nodes finish what they have, while others start in their place."""
        for member in [each for each in self._members.values() if each.node in nodes and not each.retiring]:
            member.retiring = True
            self._dispatcher.retire(member.name)
            self._log(f"engine {member.name}: its node will go away; it finishes what it has, another starts")
            self._begin(member.name.engine)

    def _let_go(self) -> None:
        """End engines that retire and have nothing left."""
        for member in [each for each in self._members.values() if each.retiring]:
            if not self._dispatcher.is_busy(member.name):
                self._end(member)

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
        self.usage.prompt_tokens += part.prompt_tokens
        self.usage.cached_tokens += part.cached_tokens
        cost = self._budget.prices.of_tokens(part.prompt_tokens, part.output_tokens, part.cached_tokens)
        self._dispatcher.finished(member.name, part.request_ids, part.prompt_tokens + part.output_tokens, cost)
        return part

    def _lose(self, tokens: int) -> None:
        self.lost_tokens += tokens
        self._dispatcher.spend(tokens, self._budget.prices.of_lost(tokens))
        self._lost(tokens)

    def _charge_time(self) -> None:
        self._count_time()
        passed, self._charged_seconds = self._engine_seconds - self._charged_seconds, self._engine_seconds
        self._dispatcher.spend(0, self._budget.prices.of_engines(passed))

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
        self._lose(lost)
        loss = self._dispatcher.leave(member.name)
        again = loss.requests - len(loss.aside)
        self._log(f"engine {member.name} died ({error}); {lost} tokens lost, {again} requests issued again")
        if loss.aside:
            self._set_aside(loss.aside, f"engines died of it {TRIES} times; last: {error}")
        if self._deaths >= (MOST_DEATHS_APART if loss.apart else MOST_DEATHS):
            raise Fault(f"engines died {self._deaths} times in a row without committing a row; last: {error}")
        if not member.retiring:  # else another has started already
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
