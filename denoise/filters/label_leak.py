"""Texts that name their label, which a person who writes one does not."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from denoise.filters.base import first_reasons
from denoise.normal import normalise_all

_SAID = r"(?:labels?|labell?ed|intents?|categor(?:y|ies)|class(?:es|ified)?|topics?|tags?|tagged)"
_OPEN, _SHUT = "[\"'“”‘’«»`*(\\[<#]", "[\"'“”‘’«»`*)\\]>]"
_LINK = rf"(?:\s*[:=]\s*{_OPEN}*|\s+(?:is|as|named|called):?\s*{_OPEN}*|\s+{_OPEN}+)"


@dataclass(frozen=True)
class LabelLeak:
    """`leaks_label`: the text marks a label's name as one, or (`anywhere`) has it as words at all.

    Marked are `label: lost card`, and of a name of several words also `"lost card"`, `LostCard` and `lost card:` at the
    start of a line: a name of one word may be an everyday one. (`lost_card` is denoise.filters.prompt_leak's.) `said`
    is an RE2 pattern on the text, `words` one on its normal form.
    """

    said: str
    words: str | None = None

    @classmethod
    def of(cls, names: Sequence[str], seeds: Sequence[str], anywhere: bool) -> LabelLeak:
        """For the labels of a task. `anywhere` spares names that one of the seeds says: they are everyday words."""
        split = [words for name in sorted(set(names)) if (words := _words(name))]
        plain = ["[^\\p{L}\\p{N}]+".join(map(re.escape, words)) for words in split]
        patterns = [rf"\b{_SAID}{_LINK}(?:{'|'.join(plain)})\b"] if plain else []
        if compound := [words for words in split if len(words) > 1]:
            spaced = "|".join("[ _-]".join(map(re.escape, words)) for words in compound)
            patterns += [f"{_OPEN}(?:{spaced}){_SHUT}", rf"^\s*(?:{spaced})\s*:"]
            camel = "|".join("".join(word.capitalize() for word in words) for words in compound)
            patterns.append(rf"(?-i:\b(?:{camel})\b)")
        said = "(?im)" + "|".join(f"(?:{pattern})" for pattern in patterns) if patterns else ""
        return cls(said, _unsaid(split, seeds) if anywhere else None)

    def reasons(self, batch: pa.Table) -> pa.Array:
        nothing = pa.array([False] * batch.num_rows)
        leaks = pc.match_substring_regex(batch["text"], self.said) if self.said else nothing
        if self.words is not None:
            padded = pc.binary_join_element_wise(" ", batch["normal"], " ", "")
            leaks = pc.or_(leaks, pc.match_substring_regex(padded, self.words))
        return first_reasons([("leaks_label", leaks)])


def _words(name: str) -> list[str]:
    """The words of a label's name, lower case, however they are joined."""
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    return [word for word in re.split(r"[\W_]+", apart.lower()) if word]


def _unsaid(names: Sequence[Sequence[str]], seeds: Sequence[str]) -> str | None:
    said = [f" {text} " for text in normalise_all(seeds)]
    strange = [name for name in (" ".join(words) for words in names) if not any(f" {name} " in text for text in said)]
    return f" (?:{'|'.join(map(re.escape, strange))}) " if strange else None
