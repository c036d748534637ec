"""What the plans of a round are made from, as far as its methods need it.

Rows kept in earlier rounds are read from the store; those that people have checked stand among the seeds, but for those
that are too long to be shown. What a model has to tell of the seeds is learnt once a round and committed, so that a
round that is resumed, on whichever machine, plans as it would have.
"""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from cluster.checked import checked_examples, may_be_shown
from cluster.job import Job
from cluster.job_checks import longest_prompts, room_of
from cluster.store import Store
from generation.material import Material
from generation.records import digest
from generation.task import Example

LEARNT = frozenset({"variability", "neighbours", "synonyms"})


def material_of(job: Job, store: Store, round_: int) -> Material:
    """The material of a round. What is to be learnt and is not yet needs an initialised Ray."""
    made = job.material(round_)
    if job.kind.is_written_as_text and (checked := checked_examples(store, round_)):
        made = _beside_seeds(made, _that_fit(job, made, checked))
    if "kept" in job.needs and job.kind.is_written_as_text:
        made = replace(made, kept=_kept(store, round_))
    if "pool" in job.needs:
        made = replace(made, pool=_unasked(job, store))
    if job.needs & LEARNT:
        made = replace(made, **_learnt(job, store, made))
    return made


def _beside_seeds(made: Material, checked: Sequence[Example]) -> Material:
    return replace(made, task=replace(made.task, seeds=(*made.task.seeds, *checked)))


def _that_fit(job: Job, made: Material, checked: Sequence[Example]) -> list[Example]:
    """Without the longest of them where a prompt that shows them would not fit into the context."""
    if job.model_folder is None:
        return list(checked)  # a server knows its own context, and refuses what does not fit
    by_length = sorted(checked, key=lambda each: (len(each.text), each.id))

    def overflows(count: int) -> bool:
        shown = _beside_seeds(made, by_length[:count])
        return any(tokens > room_of(job) for _, tokens in longest_prompts(job, shown))

    count = len(by_length)
    if overflows(count):
        count = bisect.bisect_left(range(count), True, key=lambda shorter: overflows(shorter + 1))
    left = {each.id for each in by_length[:count]}
    return [each for each in checked if each.id in left]


def _kept(store: Store, round_: int) -> tuple[Example, ...]:
    """Rows of earlier rounds by round and id, under their final labels."""
    rows = may_be_shown(store, store.kept(number for number in store.rounds() if number < round_))
    return tuple(map(Example, rows["text"].to_pylist(), rows["label"].to_pylist()))


def _unasked(job: Job, store: Store) -> tuple[Example, ...]:
    """Texts of the pool that no committed plan asks about, and that were not forgotten."""
    asked = {text for number in store.rounds() for text in store.requests(number, ["text"])["text"].to_pylist()}
    gone = {each.get("mark") for each in store.forgotten()} - {"", None}
    runs = {each.get("run_id", job.run_id) for each in store.forgotten()}  # this one, and those that it was forked from
    left = (row for row in job.pool if row.text not in asked)
    return tuple(row for row in left if gone.isdisjoint(pool_mark(run, row.text) for run in runs))


def pool_mark(run_id: str, text: str) -> str:
    """What a text of the pool is known by once it is forgotten."""
    return digest("pool", run_id, text)


def _learnt(job: Job, store: Store, made: Material) -> dict[str, Any]:
    """Fields of the material from `rounds/NNN/material.json`, which is written if it is not there."""
    name = f"rounds/{made.round_:03d}/material.json"
    told = store.read_json(name)
    if told is None:
        told = _learn(job, made)
        store.write_json(name, told)
    return {
        "variability": told["variability"],
        "neighbours": {seed: tuple(others) for seed, others in told["neighbours"].items()},
        "synonyms": {word: tuple(others) for word, others in told["synonyms"].items()},
    }


def _learn(job: Job, made: Material) -> dict[str, Any]:
    from training.loop import learn_material

    examples = [each for label in made.task.label_names for each in made.examples_of(label)]
    words = sorted({word for each in examples for word in each.text.split()}) if "synonyms" in job.needs else []
    seeds = made.task.seeds if job.needs & {"variability", "neighbours"} else ()
    return learn_material(seeds, words, job.encoder_folder, job.config.student)
