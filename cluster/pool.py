"""The engines of a run: dispatches request numbers, replaces what dies, yields what is committed."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cluster.engine import Engine
from cluster.messages import Committed, EngineName, Ready, Report
from cluster.spec import EngineSpec
from cluster.store import RequestRef, Store
from generation.errors import Fault, UserError
from generation.parts import read_parts
from generation.records import ROW_SCHEMA

REPORT_SECONDS = 1.0
# deaths in a row without one committed part in between: then the fault is not chance
MOST_DEATHS = 3


@dataclass(frozen=True)
class PoolStatus:
    """Tokens and rows at one moment. `produced` counts lost tokens too, `in_flight` rows asked for."""

    produced: int
    lost: int
    in_flight: int
    engines: int


@dataclass
class _Member:
    """An engine and what it has been given and not yet committed."""

    name: EngineName
    actor: Any
    pending: Any = None
    assigned: dict[str, RequestRef] = field(default_factory=dict)
    buffered: int = 0
    produced: int = 0
    committed: int = 0
    pids: list[int] = field(default_factory=list)


class EnginePool:
    """`start`, then `generate` as often as needed, then `stop`; engines live as long as the pool.

    `observe` is called about once a second with a PoolStatus, `log` with lines for people, `lost`
    with the tokens that died with an engine.
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
    ) -> None:
        self._spec, self._count, self._store, self._run_id, self._epoch = spec, count, store, run_id, epoch
        self._template, self._observe, self._log, self._lost = template, observe, log, lost
        self._members: list[_Member] = []
        self._incarnations = [0] * count
        self._deaths = 0
        self._retired_tokens = 0
        self._tokens_left: int | None = None
        self._seen: set[str] = set()
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

    def start(self) -> list[Ready]:
        """Wait until all engines are ready. Raises Fault with the engine's own words when one cannot start."""
        if not self._starting and not self._members:
            self.begin_start()
        return [self._finish(engine) for engine in sorted(self._starting)]

    def generate(self, refs: Sequence[RequestRef], tokens_left: int | None = None) -> Iterator[Committed]:
        """Have all requests generated; yields each part once it is committed. A dead engine is replaced.

        With `tokens_left`, a request goes out only if it, at its longest, and all that is in flight stay within it;
        what does not fit is left undone.
        """
        queue = deque(refs)
        self._tokens_left = tokens_left
        while any(member.assigned for member in self._members) or (queue and self._affords(queue[0])):
            for member in self._members:
                self._fill(member, queue)
            for member in self._ready_members():
                yield from self._collect(member, queue)
            self._observe(self.status())

    def status(self) -> PoolStatus:
        """Counts of this moment."""
        in_flight = sum(ref.samples for member in self._members for ref in member.assigned.values())
        produced = self._retired_tokens + sum(member.produced for member in self._members)
        return PoolStatus(produced, self.lost_tokens, in_flight, len(self._members))

    def pids(self) -> list[int]:
        """Process ids of the engine cores on this machine."""
        return [pid for member in self._members for pid in member.pids]

    def stop(self) -> None:
        """End all engines; their cores follow them (see tie.py)."""
        import ray

        for member in [*self._members, *(member for member, _ in self._starting.values())]:
            ray.kill(member.actor, no_restart=True)
        self._members.clear()
        self._starting.clear()

    def _begin(self, engine: int) -> None:
        import ray

        name = EngineName(self._epoch, engine, self._incarnations[engine])
        self._incarnations[engine] += 1
        resources = {"num_gpus": self._spec.gpus} if self._spec.gpus else {"num_cpus": 1}
        actor = (
            ray.remote(Engine)
            .options(
                max_concurrency=1000, max_restarts=0, runtime_env={"env_vars": self._spec.environment()}, **resources
            )
            .remote(self._spec, name, str(self._store.root), self._run_id, self._template)
        )
        self._starting[engine] = (_Member(name, actor), actor.start.remote())

    def _finish(self, engine: int) -> Ready:
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
        self._members.append(member)
        return ready

    def _fill(self, member: _Member, queue: deque[RequestRef]) -> None:
        """Keep an engine's slots full and a quarter more waiting."""
        room = int(self._spec.max_num_seqs * 1.25) - self._rows_unfinished(member)
        batch: dict[str, list[int]] = {}
        while queue and room > 0 and self._affords(queue[0]):
            ref = queue.popleft()
            room -= ref.samples
            member.assigned[ref.request_id] = ref
            batch.setdefault(ref.part, []).append(ref.index)
        for part, indices in batch.items():
            member.actor.submit.remote(part, indices)

    def _affords(self, ref: RequestRef) -> bool:
        if self._tokens_left is None:
            return True
        in_flight = sum(each.most_tokens for member in self._members for each in member.assigned.values())
        return in_flight + ref.most_tokens <= self._tokens_left

    def _spend(self, tokens: int) -> None:
        if self._tokens_left is not None:
            self._tokens_left -= tokens

    def _rows_unfinished(self, member: _Member) -> int:
        samples = next(iter(member.assigned.values())).samples if member.assigned else 1
        return (len(member.assigned) - member.buffered) * samples

    def _ready_members(self) -> list[_Member]:
        import ray

        for member in self._members:
            member.pending = member.pending or member.actor.report.remote(REPORT_SECONDS)
        waiting = {member.pending: member for member in self._members}
        done, _ = ray.wait(list(waiting), num_returns=1, timeout=REPORT_SECONDS * 2)
        return [waiting[reference] for reference in done]

    def _collect(self, member: _Member, queue: deque[RequestRef]) -> Iterator[Committed]:
        import ray

        try:
            report: Report = ray.get(member.pending)
        except ray.exceptions.RayActorError as error:
            yield from self._replace(member, queue, str(error).splitlines()[0])
            return
        member.pending = None
        member.buffered, member.produced = report.buffered, report.produced
        for part in report.committed:
            yield self._accept(member, part)
        if report.fatal is not None:
            member.assigned.clear()
            raise UserError(report.fatal)
        if report.error is not None:
            yield from self._replace(member, queue, report.error)

    def _accept(self, member: _Member, part: Committed) -> Committed:
        self._deaths = 0
        self._seen.add(part.part)
        member.committed += part.output_tokens
        self._spend(part.prompt_tokens + part.output_tokens)
        for request_id in part.request_ids:
            member.assigned.pop(request_id, None)
        return part

    def _replace(self, member: _Member, queue: deque[RequestRef], error: str) -> Iterator[Committed]:
        """Put a new engine in a dead one's place and give its requests out again, but for those it committed."""
        import ray

        self._retired_tokens += member.produced
        self._deaths += 1
        self._members.remove(member)
        ray.kill(member.actor, no_restart=True)
        for part in late_parts(self._store, member.name, self._seen):
            yield self._accept(member, part)
        lost = max(0, member.produced - member.committed)
        self.lost_tokens += lost
        self._spend(lost)
        self._lost(lost)
        open_again = list(member.assigned.values())
        self._log(f"engine {member.name} died ({error}); {lost} tokens lost, {len(open_again)} requests issued again")
        if self._deaths >= MOST_DEATHS:
            raise Fault(f"engines died {self._deaths} times in a row without committing a row; last: {error}")
        queue.extendleft(reversed(open_again))
        self._begin(member.name.engine)
        self._finish(member.name.engine)


def late_parts(store: Store, name: EngineName, seen: Collection[str]) -> Iterator[Committed]:
    """Parts that a dead engine committed but could no longer report."""
    columns = ["request_id", "prompt_tokens", "output_tokens"]
    for round_ in store.rounds():
        for part in store.parts(round_, "generated"):
            if part in seen or not Path(part).name.startswith(f"part-{name}-"):
                continue
            rows = read_parts(store.filesystem, [part], ROW_SCHEMA, columns).to_pydict()
            prompts = dict(zip(rows["request_id"], rows["prompt_tokens"], strict=True))
            tokens = sum(rows["output_tokens"])
            yield Committed(part, tuple(prompts), len(rows["request_id"]), sum(prompts.values()), 0, tokens)
