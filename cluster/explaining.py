"""`labelmill explain`: an LM says why rows have their labels. Requests and answers are committed as those of a run are,
so that going on after a kill repeats nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from cluster.checked import may_be_read
from cluster.dataset import read_dataset
from cluster.explanations import FOLDER, store_of
from cluster.forgetting.pending import refuse_unfinished
from cluster.job import Job, gpu_count
from cluster.lease import lease_of
from cluster.pool import EnginePool
from cluster.session import ray_session
from cluster.spec import plan_engines
from cluster.store import Store
from generation.errors import UserError
from generation.explaining import Explaining, Told, plan_explanations
from generation.forms import FORMS
from generation.task import Example


def generate(job: Job, run: Store, count: int, told: Sequence[Told], say: Callable[[str], None]) -> int:
    """Have the first `count` rows of the newest dataset explained, by id; returns how many rows are."""
    if job.kind.name not in ("label", "pair"):
        raise UserError(f"{job.path}: kind: explanations are of one label, kinds label and pair; got {job.kind.name}")
    refuse_unfinished(run)
    rows = may_be_read(run, read_dataset(run)).sort_by("id").slice(0, count)
    store = store_of(run)
    if isinstance(store.root, Path):
        store.root.mkdir(parents=True, exist_ok=True)
    with lease_of(store.root) as lease:
        store.fence = lease.check
        store.write_json("rounds/000/round.json", {})
        _plan(job, store, rows, told)
        left = list(store.open_requests(0))
        if left:
            with ray_session(job.config.runtime):
                _answer(job, store, lease.epoch, say)
    return rows.num_rows


def _plan(job: Job, store: Store, rows: pa.Table, told: Sequence[Told]) -> None:
    """Commit requests for rows that none asks about: greedy ones and drawn ones, each whole or not at all."""
    planned = store.requests(0, ["seed_ids", "samples"])
    asked: dict[int, set[str]] = {1: set(), 0: set()}
    for ids, samples in zip(planned["seed_ids"].to_pylist(), planned["samples"].to_pylist(), strict=True):
        asked[int(samples == 1)].update(ids)
    form = FORMS[job.method.form.layout](job.model_folder)
    material = replace(job.material(), adapters={}, identity=f"{job.run_id} {FOLDER}")
    turn = len(store.parts(0, "requests"))
    for greedy in (1, 0):
        new = [row for row in rows.to_pylist() if row["id"] not in asked[greedy]]
        examples = tuple(Example(row["text"], row["label"], known_as=row["id"]) for row in new)
        if not examples:
            continue
        method = Explaining(form, Explaining.templates[form.name], rows=examples, told=tuple(told))
        plan = plan_explanations(material, method, turn)[1 - greedy]
        store.commit(0, "requests", f"w{2 * turn + 1 - greedy:03d}", plan, job.run_id)


def _answer(job: Job, store: Store, epoch: int, say: Callable[[str], None]) -> None:
    plain = replace(job, adapters={})  # the base model knows more than texts of the task
    pool = EnginePool(plan_engines(plain, gpu_count()), job.config.engines, store, job.run_id, epoch)
    try:
        say("starting the engine")
        pool.start()
        rows, wanted = 0, sum(each.samples for each in store.open_requests(0))
        for part in pool.generate(store.open_requests(0)):
            rows += part.rows
            say(f"{rows} of {wanted} explanations")
    finally:
        pool.stop()
