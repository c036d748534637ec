"""This project's pool, rows committed to a run directory as in a run."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from typing import Any

from cluster.lease import Lease
from cluster.messages import EngineName, PoolStatus
from cluster.pool import EnginePool
from cluster.remote import RemoteEngine, launch_engine
from cluster.session import ray_session
from cluster.store import Store
from contenders.trace import Trace
from contenders.work import Work


class TimedEngine:
    """A RemoteEngine that notes when each request was given, by its place in the plan."""

    def __init__(self, engine: RemoteEngine, given: dict[int, float]) -> None:
        self._engine, self._given = engine, given
        self.start, self.report, self.kill = engine.start, engine.report, engine.kill

    def submit(self, part: str, places: Sequence[int]) -> None:
        now = time.monotonic()
        self._given.update(dict.fromkeys(places, now))
        self._engine.submit(part, places)


def run(work: Work, engines: int) -> Trace:
    """A row's latency runs from giving its request to the news that its part is committed."""
    with tempfile.TemporaryDirectory(prefix="labelmill-throughput-") as folder:
        store = Store(folder)
        store.write_json("rounds/000/round.json", {})
        store.commit(0, "requests", "w000", work.plan, "throughput")
        places = {name: place for place, name in enumerate(work.plan["request_id"].to_pylist())}
        samples = work.plan["samples"].to_pylist()
        with Lease(store.root) as lease, ray_session(work.job.config.runtime):
            began = time.monotonic()
            trace = Trace()
            first, rows, given = 0.0, 0, dict[int, float]()

            def note(status: PoolStatus) -> None:
                trace.points.append((time.monotonic() - first, status.produced, rows))

            def launch(name: EngineName) -> Any:
                return TimedEngine(launch_engine(work.spec, name, str(store.root), "throughput", None), given)

            pool = EnginePool(work.spec, engines, store, "throughput", lease.epoch, observe=note, launch=launch)
            try:
                pool.start()
                first = time.monotonic()
                trace.ready_seconds = first - began
                for part in pool.generate(store.request_refs(0)):
                    rows += part.rows
                    for place in map(places.__getitem__, part.request_ids):
                        trace.latencies += [time.monotonic() - given[place]] * samples[place]
                note(pool.status())
                trace.busy = pool.usage.busy_seconds / pool.usage.engine_seconds
            finally:
                pool.stop()
    return trace
