"""`labelmill preview`: a few rows from a live engine, before a run is begun."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable
from dataclasses import replace

import pyarrow as pa

from cluster.adapters import place_adapters, train_adapters
from cluster.job import Job, gpu_count
from cluster.lease import lease_of
from cluster.material import material_of
from cluster.pool import EnginePool
from cluster.session import ray_session
from cluster.spec import plan_engines
from cluster.store import Store
from generation.plan import plan_wave


def preview_rows(job: Job, count: int) -> tuple[dict[str, str], pa.Table]:
    """A prompt per label, and `count` rows (ROW_SCHEMA) of each as a first wave would bring them; nothing is kept.

    A method that trains adapters trains them first.
    """
    counts = dict.fromkeys(job.shown.label_names, math.ceil(count / job.method.samples(job.generation)))

    def first_wave(ready: Job, store: Store) -> pa.Table:
        return plan_wave(material_of(ready, store, 0), ready.method, 0, counts)

    plan, rows = answers(job, first_wave, adapt=True)
    first = dict(zip(reversed(plan["label"].to_pylist()), reversed(plan["prompt"].to_pylist()), strict=True))
    prompts = {name: first.get(name, "") for name in counts}
    places = [place for name in counts for place in _first(rows["label"].to_pylist(), name, count)]
    return prompts, rows.take(pa.array(places, pa.int64()))


def answers(job: Job, make_plan: Callable[[Job, Store], pa.Table], adapt: bool = False) -> tuple[pa.Table, pa.Table]:
    """A plan (REQUEST_SCHEMA) and its rows (ROW_SCHEMA) from an engine that is up for it alone; nothing is kept.

    `adapt` has the job's adapters trained before, where its method has some.
    """
    plan_engines(job, gpu_count())  # no room for engines is told before anything is trained
    with tempfile.TemporaryDirectory(prefix="labelmill-preview-") as folder:
        store = Store(folder)
        with lease_of(store.root) as lease, ray_session(job.config.runtime):
            store.write_json("rounds/000/round.json", {})
            if adapt and job.method.adapting is not None:
                trained = train_adapters(job, store.folder(0, "adapters"), store.root / "training")
                job = replace(job, adapters=trained)
            spec = place_adapters(plan_engines(job, gpu_count()), store.root)
            plan = make_plan(job, store)
            store.commit(0, "requests", "w000", plan, job.run_id)
            pool = EnginePool(spec, 1, store, job.run_id, lease.epoch, template=job.template)
            try:
                pool.start()
                for _ in pool.generate(store.request_refs(0)):
                    pass
            finally:
                pool.stop()
        return plan, store.generated(0)


def _first(labels: list[str], name: str, count: int) -> list[int]:
    return [place for place, label in enumerate(labels) if label == name][:count]
