"""`labelmill preview`: a few rows from a live engine, before a run is begun."""

from __future__ import annotations

import math
import tempfile

import pyarrow as pa

from cluster.adapters import place_adapters
from cluster.job import Job, gpu_count
from cluster.lease import lease_of
from cluster.pool import EnginePool
from cluster.session import ray_session
from cluster.spec import plan_engines
from cluster.store import Store
from generation.plan import plan_wave


def preview_rows(job: Job, count: int) -> pa.Table:
    """`count` rows (ROW_SCHEMA) per label, as a first wave would bring them, in plan order; nothing is kept."""
    requests = math.ceil(count / job.config.generation.samples)
    counts = {label.name: requests for label in job.config.labels}
    rows = answers(job, plan_wave(job.material(), job.method, 0, counts))
    places = [place for name in counts for place in _first(rows["label"].to_pylist(), name, count)]
    return rows.take(pa.array(places, pa.int64()))


def answers(job: Job, plan: pa.Table) -> pa.Table:
    """The rows (ROW_SCHEMA) of a plan (REQUEST_SCHEMA) from an engine that is up for it alone; nothing is kept."""
    spec = plan_engines(job, gpu_count())
    with tempfile.TemporaryDirectory(prefix="labelmill-preview-") as folder:
        store = Store(folder)
        spec = place_adapters(spec, store.root)
        with lease_of(store.root) as lease, ray_session(job.config.runtime):
            store.write_json("rounds/000/round.json", {})
            store.commit(0, "requests", "w000", plan, job.run_id)
            pool = EnginePool(spec, 1, store, job.run_id, lease.epoch, template=job.template)
            try:
                pool.start()
                for _ in pool.generate(store.request_refs(0)):
                    pass
            finally:
                pool.stop()
        return store.generated(0)


def _first(labels: list[str], name: str, count: int) -> list[int]:
    return [place for place, label in enumerate(labels) if label == name][:count]
