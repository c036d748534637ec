"""All filters, in the order in which they answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pyarrow as pa

from denoise.filters.banned import Banned
from denoise.filters.base import Draft, Filter
from denoise.filters.length import Length
from denoise.filters.parse import Parse
from denoise.filters.prompt_leak import PromptLeak
from denoise.filters.repetition import Repetition
from denoise.filters.seed_copy import SeedCopy
from denoise.filters.slots import Slots
from denoise.normal import normalise_all
from denoise.settings import DenoiseSettings
from generation.records import map_column
from generation.task import Task


def build_filters(task: Task, settings: DenoiseSettings, banned: Sequence[str] = ()) -> tuple[Filter, ...]:
    """The filters of a task: cheap ones first, since the first reason wins. `banned` are strings to be dropped."""
    return (
        Parse(),
        *([Banned.of(banned)] if banned else []),
        Slots(),
        Length(settings.min_words, settings.max_words),
        Repetition(settings.max_repetition),
        PromptLeak.of(task),
        SeedCopy.of(_examples(task), settings.seed_copy),
    )


def _examples(task: Task) -> list[str]:
    """Every text that a prompt may show or an evaluation may ask for: seeds, dev seeds and counter-examples."""
    counters = [counter.text for label in task.labels for counter in label.counter_examples]
    return [*(seed.text for seed in (*task.seeds, *task.dev)), *counters]


def filter_reasons(batch: pa.Table, filters: Sequence[Filter]) -> pa.Array:
    """Why each row (`text`, `finish_reason`, and `attributes` where there are any) goes: string [n], null: it stays.

    The first filter wins.
    """
    attributes = map_column(batch, "attributes") if "attributes" in batch.column_names else None
    drafts = drafts_of(batch["text"].to_pylist(), batch["finish_reason"].to_pylist(), attributes)
    return pa.array([_first_reason(draft, filters) for draft in drafts], pa.string())


def drafts_of(
    texts: Sequence[str | None],
    finish_reasons: Sequence[str | None] | None = None,
    attributes: Sequence[Mapping[str, str]] | None = None,
) -> list[Draft]:
    """Texts as filters see them; a null text is empty."""
    normal, nothing = normalise_all(texts), [None] * len(texts)
    columns = zip(texts, normal, finish_reasons or nothing, attributes or nothing, strict=True)
    return [Draft(text or "", plain, finish, given or {}) for text, plain, finish, given in columns]


def _first_reason(draft: Draft, filters: Sequence[Filter]) -> str | None:
    return next((reason for rule in filters if (reason := rule.reason(draft)) is not None), None)
