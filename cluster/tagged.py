"""What doubts about the spans of a wave's rows are found with."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from cluster.job import Job
from cluster.store import Store
from denoise.noise.tagging import Tagged
from denoise.spans import Spans, tagged_rows

EARLIER_ROWS = 1000  # that the tagger learns from; they are read anew for each wave


def spans_of(job: Job, store: Store) -> Spans | None:
    """With seeds and up to EARLIER_ROWS rows kept so far; None for a kind of task without tags."""
    if job.kind.name != "tags":
        return None
    seeds = Tagged([seed.tokens for seed in job.task.seeds], [seed.tags for seed in job.task.seeds])
    load = functools.partial(_load_states, job.encoder_folder, job.config.student.max_length)
    return Spans(job.kind.labels, load, seeds, tagged_rows(earlier_rows(store)))


def earlier_rows(store: Store) -> pa.Table:
    """`id`, `tokens` and `tags` of kept rows of all rounds: those with the least ids, which are hashes."""
    tables = []
    for number in store.rounds():
        rows = store.rows(number, ["id", "tokens", "tags"]).select(["id", "tokens", "tags"])
        kept = store.kept([number])["id"].combine_chunks()
        tables.append(rows.filter(pc.is_in(rows["id"], kept)))
    return pa.concat_tables(tables).sort_by("id").slice(0, EARLIER_ROWS)


def _load_states(folder: Path, max_length: int) -> Any:
    from training.encoder import Encoder
    from training.word_states import word_states

    return functools.partial(word_states, Encoder.load(folder, max_length))
