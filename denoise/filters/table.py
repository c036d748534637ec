"""All filters, in the order in which they answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from denoise.filters.banned import Banned
from denoise.filters.base import SEEN, BatchFilter, Draft, Filter
from denoise.filters.boilerplate import Boilerplate
from denoise.filters.characters import Characters
from denoise.filters.code import Code
from denoise.filters.expression import Expression
from denoise.filters.label_leak import LabelLeak
from denoise.filters.language import Language
from denoise.filters.length import Length
from denoise.filters.parse import Parse
from denoise.filters.perplexity import Perplexity
from denoise.filters.personal import Personal
from denoise.filters.prompt_leak import PromptLeak
from denoise.filters.repetition import Repetition
from denoise.filters.seed_copy import SeedCopy
from denoise.filters.settings import FilterSettings
from denoise.filters.slots import Slots
from denoise.filters.toxicity import Toxicity
from denoise.normal import normalise, normalise_all
from denoise.settings import DenoiseSettings
from generation.records import map_column
from generation.task import Task


def build_filters(
    task: Task, settings: DenoiseSettings, banned: Sequence[str] = (), logprobs: pa.ChunkedArray | None = None
) -> tuple[Filter, ...]:
    """The filters of a task: cheap ones first, since the first reason wins. `banned` are strings to be dropped.

    `logprobs` are the mean log-probabilities of the rows that a perplexity is to be compared with. Raises UserError
    when a function of the user's cannot be imported.
    """
    return tuple(named_filters(settings, task, banned, logprobs).values())


def named_filters(
    settings: DenoiseSettings,
    task: Task | None = None,
    banned: Sequence[str] = (),
    logprobs: pa.ChunkedArray | None = None,
) -> dict[str, Filter]:
    """The same by name, as far as they can work: without a task, those that compare with it are not there."""
    chosen = settings.filters
    shown = [seed.text for seed in (*task.seeds, *task.dev)] if task else []
    found: dict[str, Filter | None] = {
        "parse": Parse(),
        "banned": Banned.of(banned) if banned else None,
        "slots": Slots(),
        "length": Length(settings.min_words, settings.max_words),
        "characters": Characters(chosen.letters, chosen.scripts),
        "repetition": Repetition(settings.max_repetition),
        "boilerplate": Boilerplate() if chosen.boilerplate else None,
        "prompt_leak": PromptLeak.of(task) if task else None,
        "label_leak": _label_leak(task, shown, chosen.label_leak) if task else None,
        "seed_copy": SeedCopy.of(_examples(task), settings.seed_copy) if task else None,
        "personal": Personal(frozenset(chosen.personal)) if chosen.personal else None,
        "perplexity": _perplexity(logprobs, chosen.perplexity),
        "language": _language(shown, chosen),
        "toxicity": Toxicity(chosen.toxicity, frozenset(chosen.toxic_labels)) if chosen.toxicity else None,
        **{f"rules.{name}": Expression(name, condition) for name, condition in chosen.rules.items()},
        **{f"code.{path}": Code.of(path) for path in chosen.code},
    }
    return {name: rule for name, rule in found.items() if rule is not None}


def _label_leak(task: Task, seeds: Sequence[str], mode: str) -> LabelLeak | None:
    return None if mode == "off" else LabelLeak.of(task.label_names, seeds, mode == "anywhere")


def _perplexity(logprobs: pa.ChunkedArray | None, deviations: float | None) -> Perplexity | None:
    return Perplexity.of(logprobs, deviations) if logprobs is not None and deviations else None


def _language(seeds: Sequence[str], settings: FilterSettings) -> Language | None:
    if settings.languages == "seeds":
        return Language.of_seeds(seeds, settings.language_confidence)
    if settings.languages == "any" or not settings.languages:
        return None
    return Language(frozenset(settings.languages), settings.language_confidence)


def _examples(task: Task) -> list[str]:
    """Every text that a prompt may show or an evaluation may ask for: seeds, dev seeds and counter-examples."""
    counters = [counter.text for label in task.labels for counter in label.counter_examples]
    return [*(seed.text for seed in (*task.seeds, *task.dev)), *counters]


def filter_reasons(batch: pa.Table, filters: Sequence[Filter]) -> pa.Array:
    """Why each row goes: string [n], null: it stays. The first filter wins.

    A batch has a `text` and, as far as there are any, `attributes` and the other columns of `base.SEEN`; the label may
    also be called `intended_label`, as in ROW_SCHEMA.
    """
    seen = as_seen(batch)
    reasons = pa.nulls(batch.num_rows, pa.string())
    drafts: list[Draft] | None = None
    for rule in filters:
        if isinstance(rule, BatchFilter):
            reasons = pc.coalesce(reasons, rule.reasons(seen))
            continue
        if drafts is None:
            attributes = map_column(batch, "attributes") if "attributes" in batch.column_names else None
            texts, normal, finishes = (seen[name].to_pylist() for name in ("text", "normal", "finish_reason"))
            drafts = _drafts(texts, normal, finishes, attributes)
        given = zip(reasons.to_pylist(), drafts, strict=True)
        answers = (reason or rule.reason(draft) for reason, draft in given)
        reasons = pa.array(answers, pa.string())
    return reasons


def as_seen(batch: pa.Table) -> pa.Table:
    """A batch with all columns of `base.SEEN`: a null text is empty, others that are not there are null."""
    if "intended_label" in batch.column_names and "label" not in batch.column_names:
        batch = batch.append_column("label", batch["intended_label"])
    columns: dict[str, Any] = {}
    for name, kind in SEEN.items():
        if name in batch.column_names:
            columns[name] = batch[name].combine_chunks().cast(kind)
        else:
            columns[name] = pa.nulls(batch.num_rows, kind)
    columns["text"] = pc.fill_null(columns["text"], "")
    if "normal" not in batch.column_names:
        columns["normal"] = normalise(columns["text"])
    return pa.table(columns)


def drafts_of(texts: Sequence[str | None]) -> list[Draft]:
    """Texts as filters on single rows see them; a null text is empty."""
    return _drafts([text or "" for text in texts], normalise_all(texts), [None] * len(texts), None)


def _drafts(
    texts: Sequence[str],
    normal: Sequence[str],
    finish_reasons: Sequence[str | None],
    attributes: Sequence[Mapping[str, str]] | None,
) -> list[Draft]:
    columns = zip(texts, normal, finish_reasons, attributes or [{}] * len(texts), strict=True)
    return [Draft(*values) for values in columns]
