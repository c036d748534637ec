"""Text that repeats the prompt in place of answering it."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from denoise.filters.base import first_reasons, ngrams
from denoise.normal import normalise_all
from denoise.redact import MARK
from generation.task import Task

RUN = 6
_SHORTEST_DESCRIPTION = 5  # honest texts may well say "top up failed"

_PHRASES = "(?im)" + "|".join(
    (
        r"^\s*(?:\d+[.)]|[-*•])\s",  # a list
        r"\{\{|\}\}|\{%|%\}|<\|?/?[a-z_]+\|?>|\[/?inst\]|^\s*#{2,}",  # a template
        r"^\s*(?:text|label|example|input|output|category)\s*\d*\s*:",
    )
)


@dataclass(frozen=True)
class PromptLeak:
    """`leaks_prompt`: a label's snake_case name, its description, a run of RUN words of the guideline, list numbering
    or a template marker. What stands for personal data (denoise.redact) is none.

    `names` is an RE2 pattern; `descriptions` are those too short to have a run.
    """

    names: str | None
    descriptions: frozenset[str]
    runs: frozenset[str]

    @classmethod
    def of(cls, task: Task) -> PromptLeak:
        snakes = [re.escape(name) for name in task.label_names if "_" in name]
        names = rf"(?i)(?:^|[^\p{{L}}\p{{N}}_])(?:{'|'.join(snakes)})(?:$|[^\p{{L}}\p{{N}}_])" if snakes else None
        descriptions = normalise_all([label.description for label in task.labels])
        rules = normalise_all([rule for label in task.labels for rule in label.rules])
        guideline = [*normalise_all([task.description]), *descriptions, *rules]
        return cls(
            names,
            frozenset(text for text in descriptions if _SHORTEST_DESCRIPTION <= len(text.split()) < RUN),
            frozenset(run for text in guideline for run in ngrams(tuple(text.split()), RUN)),
        )

    def reasons(self, batch: pa.Table) -> pa.Array:
        texts = pc.replace_substring_regex(batch["text"], MARK, "")
        leaks = pc.match_substring_regex(texts, _PHRASES)
        if self.names is not None:
            leaks = pc.or_(leaks, pc.match_substring_regex(batch["text"], self.names))
        said = pa.array(map(self._says_guideline, batch["normal"].to_pylist()), pa.bool_())
        return first_reasons([("leaks_prompt", pc.or_(leaks, said))])

    def _says_guideline(self, normal: str) -> bool:
        if not self.runs.isdisjoint(ngrams(tuple(normal.split()), RUN)):
            return True
        return any(f" {text} " in f" {normal} " for text in self.descriptions)
