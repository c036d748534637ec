"""Text that repeats the prompt in place of answering it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from denoise.filters.base import Draft, ngrams
from denoise.normal import normalise_all
from denoise.redact import MARK
from generation.task import Task

RUN = 6
_SHORTEST_DESCRIPTION = 5  # honest texts may well say "top up failed"

_PHRASES = re.compile(
    rf"""
      ^\s* (?: \d+ [.)] | [-*•] ) \s                                # a list
    | \{{\{{ | \}}\}} | \{{% | %\}} | (?!{MARK}) <\|? /? [a-z_]+ \|?> | \[/?inst\] | ^\s*\#{{2,}}
    | ^\s* (?: text | label | example | input | output | category ) \s* \d* \s* :
    """,
    re.VERBOSE | re.IGNORECASE | re.MULTILINE,
)


@dataclass(frozen=True)
class PromptLeak:
    """`leaks_prompt`: a label's snake_case name, its description, a run of RUN words of the guideline, list numbering
    or a template marker. What stands for personal data (denoise.redact) is none."""

    names: re.Pattern[str] | None
    descriptions: frozenset[str]
    runs: frozenset[str]

    @classmethod
    def of(cls, task: Task) -> PromptLeak:
        snakes = [re.escape(name) for name in task.label_names if "_" in name]
        names = re.compile(rf"(?<!\w)(?:{'|'.join(snakes)})(?!\w)", re.IGNORECASE) if snakes else None
        descriptions = normalise_all([label.description for label in task.labels])
        rules = normalise_all([rule for label in task.labels for rule in label.rules])
        guideline = [*normalise_all([task.description]), *descriptions, *rules]
        return cls(
            names,
            frozenset(text for text in descriptions if len(text.split()) >= _SHORTEST_DESCRIPTION),
            frozenset(run for text in guideline for run in ngrams(tuple(text.split()), RUN)),
        )

    def reason(self, draft: Draft) -> str | None:
        leaks = (
            _PHRASES.search(draft.text) is not None
            or (self.names is not None and self.names.search(draft.text) is not None)
            or any(f" {text} " in f" {draft.normal} " for text in self.descriptions)
            or not self.runs.isdisjoint(ngrams(draft.words, RUN))
        )
        return "leaks_prompt" if leaks else None
