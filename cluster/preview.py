"""`labelmill preview`: a few rows from a live engine, before a run is begun."""

from __future__ import annotations

import math
import tempfile

import pyarrow as pa

from cluster.adapters import place_adapters
from cluster.job import Job, gpu_count
from cluster.lease import lease_of
from cluster.material import material_of
from cluster.pool import EnginePool
from cluster.session import ray_session
from cluster.spec import plan_engines
from cluster.store import Store
from generation.plan import plan_wave


def preview_rows(job: Job, count: int) -> tuple[dict[str, str], pa.Table]:
    """A prompt per label, and `count` rows (ROW_SCHEMA) of each as a first wave would bring them; nothing is kept."""
    spec = plan_engines(job, gpu_count())
    requests = math.ceil(count / job.method.samples(job.generation))
    counts = dict.fromkeys(job.shown.label_names, requests)
    with tempfile.TemporaryDirectory(prefix="labelmill-preview-") as folder:
        store = Store(folder)
        spec = place_adapters(spec, store.root)
        with lease_of(store.root) as lease, ray_session(job.config.runtime):
            store.write_json("rounds/000/round.json", {})
            plan = plan_wave(material_of(job, store, 0), job.method, 0, counts)
            store.commit(0, "requests", "w000", plan, job.run_id)
            pool = EnginePool(spec, 1, store, job.run_id, lease.epoch, template=job.template)
            try:
                pool.start()
                for _ in pool.generate(store.request_refs(0)):
                    pass
            finally:
                pool.stop()
        rows = store.generated(0)
    first = dict(zip(reversed(plan["label"].to_pylist()), reversed(plan["prompt"].to_pylist()), strict=True))
    prompts = {name: first.get(name, "") for name in counts}
    places = [place for name in counts for place in _first(rows["label"].to_pylist(), name, count)]
    return prompts, rows.take(pa.array(places, pa.int64()))


def _first(labels: list[str], name: str, count: int) -> list[int]:
    return [place for place, label in enumerate(labels) if label == name][:count]
