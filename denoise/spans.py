"""Where doubts about spans are found: in one Ray task, which loads the encoder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc

from denoise.noise.agreement import Agreement
from denoise.noise.span_agreement import known_slots, slots_of, span_agreements
from denoise.noise.span_doubt import RowDoubts
from denoise.noise.tagging import Tagged, WordStates, find_doubts
from denoise.settings import DenoiseSettings


@dataclass(frozen=True)
class Spans:
    """The slots, what loads the states of words on a worker, and rows that the tagger learns from besides."""

    slots: Sequence[str]
    load_states: Callable[[], WordStates]
    seeds: Tagged
    earlier: Tagged


def span_opinions(ids: Sequence[str], rows: pa.Table, spans: Spans, settings: DenoiseSettings) -> list[Agreement]:
    """On those of `rows` (ROW_SCHEMA) with `ids`, in that order. Needs an initialised Ray with one free CPU."""
    import ray

    if not ids:
        return []
    found = rows.take(pc.index_in(pa.array(ids, pa.string()), rows["id"].combine_chunks()))
    tagged = tagged_rows(found)
    doubts = ray.get(ray.remote(num_cpus=1)(_find).remote(list(ids), tagged, spans))
    slots, known = [slots_of(tags) for tags in tagged.tags], known_slots(spans.seeds, (spans.earlier, tagged))
    return span_agreements(found["intended_label"].to_pylist(), doubts, slots, known, settings.least_span)


def tagged_rows(rows: pa.Table) -> Tagged:
    """Of a table's `tokens` and `tags`."""
    return Tagged(rows["tokens"].to_pylist(), rows["tags"].to_pylist())


def _find(ids: Sequence[str], rows: Tagged, spans: Spans) -> list[RowDoubts]:
    """Without the single doubts, which nobody keeps."""
    found = find_doubts(ids, rows, spans.slots, spans.load_states(), spans.seeds, spans.earlier)
    return [replace(each, doubts=()) for each in found]
