"""Where texts stand in other strings: whole, or, if they are long enough to be known again, as a part."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

LEAST = 24  # characters of a text that is looked for within other strings; shorter ones would be found everywhere
GONE = "[forgotten]"
CONTENT = frozenset({"text", "text_a", "text_b", "prompt", "explanation", "error", "gold"})  # columns and keys of texts
_SPACE = r"(?:\s|\\[nrt])+"


class Quotes:
    """Finds `texts` in any spacing and case of letters, also where JSON has escaped them.

    One of fewer than LEAST characters counts only where it is the whole of a string that holds content.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        plain = sorted({" ".join(text.split()) for text in texts} - {""})
        self._parts = [_pattern(text) for text in plain if len(text) >= LEAST]
        self._wholes = [rf"^\s*{_pattern(text)}\s*$" for text in plain if len(text) < LEAST]

    def __bool__(self) -> bool:
        return bool(self._parts or self._wholes)

    def stand_in(self, text: str, content: bool = True) -> bool:
        """Whether a string quotes one of them."""
        return any(pattern.search(text) for pattern in self._compiled(content))

    def mark(self, column: pa.ChunkedArray, content: bool = True) -> pa.ChunkedArray:
        """Which strings of a column do, bool."""
        found = pa.chunked_array([pa.array([False] * len(column), pa.bool_())])
        for pattern in self._patterns(content):
            found = pc.or_(found, pc.fill_null(pc.match_substring_regex(column, pattern, ignore_case=True), False))
        return found

    def scrub(self, value: Any, content: bool = True) -> Any:
        """A JSON value with GONE in place of each string that does; the same object where none does."""
        if isinstance(value, str):
            return GONE if self.stand_in(value, content) else value
        if isinstance(value, list):
            changed = [self.scrub(each, content) for each in value]
            return changed if any(new is not old for new, old in zip(changed, value, strict=True)) else value
        if isinstance(value, dict):
            pairs = {self.scrub(key, False): self.scrub(each, key in CONTENT) for key, each in value.items()}
            same = all(new is old for new, old in zip(pairs.values(), value.values(), strict=False))
            return value if same and pairs.keys() == value.keys() else pairs
        return value

    def scrub_table(self, table: pa.Table) -> pa.Table:
        """A table with GONE in place of each string that does; the same object where none does."""
        for place, field in enumerate(table.schema):
            if pa.types.is_string(field.type):
                marked = self.mark(table[field.name], field.name in CONTENT)
                if pc.any(marked).as_py():
                    table = table.set_column(place, field, pc.if_else(marked, GONE, table[field.name]))
            elif pa.types.is_list(field.type) or pa.types.is_map(field.type):
                values = table[field.name].to_pylist()
                changed = [self._scrub_nested(each) for each in values]
                if changed != values:
                    table = table.set_column(place, field, pa.array(changed, field.type))
        return table

    def _scrub_nested(self, value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(self._scrub_nested(each) for each in value)
        return [self._scrub_nested(each) for each in value] if isinstance(value, list) else self.scrub(value, False)

    def _patterns(self, content: bool) -> list[str]:
        return [*self._parts, *(self._wholes if content else [])]

    @functools.cache  # noqa: B019  an object of this kind lives as long as one command
    def _compiled(self, content: bool) -> list[re.Pattern[str]]:
        return [re.compile(pattern, re.IGNORECASE) for pattern in self._patterns(content)]


def _pattern(text: str) -> str:
    return _SPACE.join(_word(word) for word in text.split(" "))


def _word(word: str) -> str:
    """As it is, or as JSON has it."""
    forms = dict.fromkeys([word, *(json.dumps(word, ensure_ascii=ascii)[1:-1] for ascii in (False, True))])
    return "|".join(map(re.escape, forms)).join(("(?:", ")"))
