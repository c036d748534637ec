"""This project's pool, rows committed to a run directory as in a run."""

from __future__ import annotations

import tempfile
import time

from cluster.lease import Lease
from cluster.pool import EnginePool, PoolStatus
from cluster.session import ray_session
from cluster.store import Store
from contenders.trace import Trace
from contenders.work import Work


def run(work: Work, engines: int) -> Trace:
    with tempfile.TemporaryDirectory(prefix="labelmill-throughput-") as folder:
        store = Store(folder)
        store.write_json("rounds/000/round.json", {})
        store.commit(0, "requests", "w000", work.plan, "throughput")
        with Lease(store.root) as lease, ray_session(work.job.config.runtime):
            began = time.monotonic()
            trace = Trace()
            first, rows = 0.0, 0

            def note(status: PoolStatus) -> None:
                trace.points.append((time.monotonic() - first, status.produced, rows))

            pool = EnginePool(work.spec, engines, store, "throughput", lease.epoch, observe=note)
            try:
                pool.start()
                first = time.monotonic()
                trace.ready_seconds = first - began
                for part in pool.generate(store.request_refs(0)):
                    rows += part.rows
                note(pool.status())
            finally:
                pool.stop()
    return trace
