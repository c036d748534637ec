"""`labelmill suggest`: rows generated ahead, for people who write where a run left too few over.

They lie in `RUN/suggestions/`, a store of their own: no round counts them, and none is kept before a person takes it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from cluster.forgetting.pending import refuse_unfinished
from cluster.job import Job
from cluster.lease import lease_of
from cluster.preview import answers
from cluster.review.writing.bank import ahead_of
from cluster.store import Store
from denoise.filters.table import build_filters, filter_reasons
from denoise.normal import normalise, normalise_all
from generation.errors import UserError
from generation.plan import plan_wave
from generation.records import verdicts_table

STAGE, HELD, REPEATED = "filter", "generated_ahead", "exact_duplicate"

Answers = Callable[[Job, Callable[[Job, Store], pa.Table]], tuple[pa.Table, pa.Table]]


def suggest(job: Job, run: Store, count: int, ask: Answers = answers) -> Counter[str]:
    """Have about `count` rows of each label generated, and hold those that no filter drops; how many of each label.

    They are asked for as those of a first wave, without adapters that a run has trained. What a row, a seed or an
    earlier suggestion says already is dropped. `ask` has a plan answered. Raises UserError.
    """
    if job.needs:
        method, parts = job.config.generation.method, ", ".join(sorted(job.needs))
        raise UserError(
            f"{job.path}: generation.method: {method} works on what rounds have ({parts}), not ahead of them"
        )
    refuse_unfinished(run)
    store = ahead_of(run)
    if isinstance(store.root, Path):
        store.root.mkdir(parents=True, exist_ok=True)
    with lease_of(store.root) as lease:
        store.fence = lease.check
        turn = len(store.rounds())

        def plan(ready: Job, scratch: Store) -> pa.Table:
            material = replace(ready.material(), identity=f"{job.run_id} suggestions {turn}")
            requests = math.ceil(count / ready.method.samples(ready.generation))
            return plan_wave(material, ready.method, 0, dict.fromkeys(job.shown.label_names, requests))

        asked, rows = ask(job, plan)
        rows = rows.set_column(rows.schema.get_field_index("round"), "round", pa.array([turn] * len(rows), pa.int32()))
        verdicts = _verdicts(job, rows, _known(run, store))
        store.commit(turn, "requests", "w000", asked, job.run_id)
        store.commit(turn, "generated", "e0", rows, job.run_id)
        store.commit(turn, "verdicts", "w000", verdicts_table(verdicts), job.run_id)
        store.write_json(f"rounds/{turn:03d}/round.json", {"round": turn})  # with it they are there
    return Counter(str(each["label"]) for each in verdicts if each["status"] == "held")


def _verdicts(job: Job, rows: pa.Table, known: set[str]) -> list[dict[str, Any]]:
    """One on each row: held, or rejected for a filter's reason, or because it repeats what is there."""
    filters = build_filters(job.task, job.config.denoise, job.generation.banned, rows["mean_logprob"])
    reasons = filter_reasons(rows, filters).to_pylist()
    now, found = datetime.now(UTC), []
    texts = normalise(rows["text"]).to_pylist()
    listed = zip(rows["id"].to_pylist(), rows["intended_label"].to_pylist(), reasons, texts, strict=True)
    for id, label, reason, text in listed:
        why = reason or (REPEATED if text in known else None)
        known.add(text)
        state = {"status": "rejected" if why else "held", "reason": why or HELD}
        found.append({"id": id, "revision": 0, "stage": STAGE, "label": label, "weight": 0.0, "at": now} | state)
    return found


def _known(run: Store, ahead: Store) -> set[str]:
    """What is said already, in normal form."""
    texts = run.kept(run.rounds())["text"].to_pylist()
    texts += [seed["text"] for seed in run.read_json("seeds.json") or []]
    for number in ahead.rounds():
        texts += ahead.generated(number, ["text"])["text"].to_pylist()
    return set(normalise_all(texts))
