"""`labelmill fork`: a run under changed labels that begins with what another one has kept.

It has one round, unfinished, that stands for all rounds of the other: its targets are their quotas. Rows of labels that
stay are accepted there already, rows of labels that mean something else wait for a judge, and `labelmill run` makes
only what is missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from cluster.forgetting.pending import hand_down, refuse_unfinished
from cluster.identity import differing
from cluster.job import Job
from cluster.rounds import FORK, Round, last_round, write_round
from cluster.store import Store
from cluster.taking_over import JUDGED_WAVE, Taken, take_over
from cluster.top_up import counted_seeds, less
from generation.errors import UserError
from generation.folders import in_the_way
from generation.location import Location, locate
from generation.records import SCHEMA_VERSION
from generation.relabelling import Changes, fates_of
from generation.task import Label
from training.folders import atomic_folder

ORIGINS = "fork_rows.parquet"  # each row's run, round and label there


@dataclass(frozen=True)
class Fork:
    """A run and the task that it goes on under: what is taken over, and the round that it begins with."""

    source: Store
    job: Job
    taken: Taken
    first: Round

    @property
    def missing(self) -> dict[str, int]:
        """New label -> rows to make, if a judge finds none among those that it has to look at again."""
        kept = self.taken.kept
        return {label: max(0, target - kept[label]) for label, target in self.first.targets.items()}


def plan_fork(source: Store, job: Job, changes: Changes) -> Fork:
    """What `write_fork` would do; nothing is written. Raises UserError."""
    run = source.run()
    refuse_unfinished(source)
    _refuse(source, job, run)
    fates = fates_of(map(Label.model_validate, run["config"]["labels"]), job.config.labels, changes)
    if job.kind.name == "tags" and any(fate.how != "taken over" for fate in fates.values()):
        raise UserError(f"{job.path}: labels: of tagged texts only new slots can be added: nobody tells old spans anew")
    denoises_anew = any(field.startswith("denoise.") for field in differing(run["identity"], job.identity))
    taken = take_over(source, fates, job.shown.label_names, judge_all=denoises_anew and job.kind.has_judge)
    return Fork(source, job, taken, _first_round(source, job, taken))


def write_fork(fork: Fork, target: str) -> Location:
    """Make the new run directory, whole or not at all. Raises UserError where something is in its way."""
    place = locate(target)
    if problem := in_the_way(place):
        raise UserError(f"{place}: must be a new or an empty folder; {problem}")
    with atomic_folder(place) as folder:
        _fill(fork, Store(folder))
    return place


def render(fork: Fork) -> str:
    """Plain lines for a terminal: what becomes of each old label's rows, and what is to be made."""
    taken, run = fork.taken, fork.source.run()
    rows = [(label, count, str(taken.fates[label])) for label, count in sorted(taken.counts.items())]
    old = {label["name"] for label in run["config"]["labels"]}
    rows += [(label, 0, "new") for label in fork.first.targets if label not in old and label not in taken.kept]
    width = max(map(len, [label for label, _, _ in rows]), default=0)
    lines = [f"from {fork.source.root} ({run['run_id']}), {sum(taken.counts.values())} rows kept"]
    lines += [f"  {label:<{width}}  {count:>6}  {told}" for label, count, told in rows]
    kept, missing = taken.verdicts.num_rows, sum(fork.missing.values())
    lines.append(f"{kept} rows taken over, {taken.judged} to judge again, at most {missing} to make")
    return "\n".join(lines)


def _refuse(source: Store, job: Job, run: Mapping[str, Any]) -> None:
    if (schema := run.get("schema", 1)) != SCHEMA_VERSION:
        raise UserError(f"{source.root}: run.json: schema: must be {SCHEMA_VERSION}, was {schema}")
    if (kind := run.get("kind", "label")) != job.kind.name:
        raise UserError(f"{job.path}: kind: must be that of {source.root}, {kind!r}; got {job.kind.name!r}")
    if not differing(run["identity"], job.identity):
        raise UserError(f"{job.path}: is the task of {source.root}: `labelmill run` goes on with it there")
    if not source.rounds():
        raise UserError(f"{source.root}: has no rows yet; `labelmill run` makes some")


def _first_round(source: Store, job: Job, taken: Taken) -> Round:
    """As many rows of each label as the rounds of the other run wanted, within what the new task wants in all."""
    config, last = job.config, last_round(source)
    wanted = min(config.quota * config.rounds, max(config.quota, last.wanted))
    kept_alone = [fate.to for fate in taken.fates.values() if fate.to is not None]
    moved = less(counted_seeds(config, job.shown)) | {
        str(fate.to): last.moved[label]
        for label, fate in taken.fates.items()
        if label in last.moved and fate.to in job.shown.label_names and kept_alone.count(fate.to) == 1
    }
    targets = {label: max(0, wanted + moved.get(label, 0)) for label in job.shown.label_names}
    return Round(0, targets, wanted, config.token_budget, config.cost_budget, config.stop.hours, moved)


def _fill(fork: Fork, store: Store) -> None:
    taken, run_id = fork.taken, fork.job.run_id
    waves = taken.requests["wave"]
    planned = taken.requests.filter(pc.equal(waves, JUDGED_WAVE))
    done = taken.requests.filter(pc.less(waves, JUDGED_WAVE))
    parts = [("requests", "fork", done), ("generated", "fork", taken.rows), ("people", "fork", taken.people)]
    parts += [("verdicts", "fork", taken.verdicts)]
    for kind, name, table in parts:
        if table.num_rows:
            store.commit(0, kind, name, table, run_id)
    if taken.judged:
        store.commit(0, "requests", f"w{JUDGED_WAVE:03d}", planned, run_id)
    sink = pa.BufferOutputStream()
    pq.write_table(taken.origins, sink, compression="zstd")
    store.write_bytes(ORIGINS, sink.getvalue().to_pybytes())
    store.write_json(FORK, _record(fork))
    hand_down(fork.source, store)
    write_round(store, fork.first)
    store.write_json("seeds.json", fork.job.seeds_json())
    store.write_json("run.json", fork.job.run_json())


def _record(fork: Fork) -> dict[str, Any]:
    """fork.json: where the rows come from, what became of their labels, and what they had cost there."""
    taken, run = fork.taken, fork.source.run()
    rows = taken.rows.select(["request_id", "prompt_tokens", "output_tokens"]).to_pydict()
    prompts = dict(zip(rows["request_id"], rows["prompt_tokens"], strict=True))
    return {
        "forked_from": {"run": fork.source.address, "run_id": run["run_id"], "rounds": len(fork.source.rounds())},
        "before": (fork.source.read_json(FORK) or {}).get("forked_from"),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "labels": {
            label: {"rows": count, **asdict(taken.fates[label])} for label, count in sorted(taken.counts.items())
        },
        "tokens": {"prompt": sum(prompts.values()), "output": sum(rows["output_tokens"])},
    }
