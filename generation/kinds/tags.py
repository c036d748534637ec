"""Texts with tagged tokens: spans of them fill slots."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from generation.errors import UserError, clip
from generation.forms.base import MALFORMED
from generation.kinds.base import Kind, UnreadableError
from generation.kinds.fields import known_label, string, strings
from generation.kinds.spans import Span, bio, check_tags, read_spans, spans_of_tokens
from generation.task import Example

_MARK = re.compile(r"\[([^\[\]]*)\]")


@dataclass(frozen=True)
class TagsKind(Kind):
    """Labels are slots. Columns `tokens` and `tags` (BIO); or `text` and `slots`; or `text` with marked spans.

    A span is marked as `[slot: value]`. Of 80 answers of the embedded LM after ten examples 3 marked wrongly with it
    and 22 with `[value](slot)`; with XML-like tags fewest were marked at all. What is asked for is a text with a
    certain slot, among others: it counts for that slot alone, and one that lacks it is no row. Tokens are what spaces
    separate, cut at the ends of spans.
    """

    name: ClassVar[str] = "tags"
    columns: ClassVar[tuple[str, ...]] = ("tokens", "tags")
    form: ClassVar[str] = "Values are marked like [slot: value]."
    is_written_as_text: ClassVar[bool] = False
    has_parts: ClassVar[bool] = True
    has_judge: ClassVar[bool] = False

    @classmethod
    def problem(cls, label: str) -> str | None:
        if set(label) & set("[]:"):
            return f"slot names must not contain brackets or colons, which mark them; got {label!r}"
        return None

    def read(self, where: str, line: int, item: Mapping[str, Any]) -> Example:
        if "tokens" in item:
            tokens, tags = strings(where, item, "tokens"), strings(where, item, "tags")
            check_tags(where, tokens, tags, self.labels)
            text, spans = " ".join(tokens), spans_of_tokens(tokens, tags)
        elif "slots" in item:
            text = string(where, item, "text")
            spans = read_spans(where, text, item["slots"], self.labels)
            tokens, tags = bio(text, spans)
        else:
            written = string(where, item, "text")
            try:
                text, spans = unmark(written)
            except UnreadableError:
                raise UserError(f"{where}: text must mark spans like [slot: value]; got {clip(written)}") from None
            for span in spans:
                known_label(where, span.slot, self.labels, "slot")
            tokens, tags = bio(text, spans)
        if set(text) & set("[]"):
            raise UserError(f"{where}: text must not contain brackets beside the marks; got {clip(text)}")
        return Example(text, line=line, tokens=tuple(tokens), tags=tuple(tags))

    def read_text(self, where: str, line: int, item: Mapping[str, Any]) -> Example:
        text = " ".join(strings(where, item, "tokens")) if "tokens" in item else string(where, item, "text")
        return Example(text, line=line)

    def targets_of(self, example: Example) -> tuple[str, ...]:
        return tuple(sorted({tag[2:] for tag in example.tags if tag != "O"}))

    def write(self, example: Example) -> str:
        return mark(example.text, spans_of_tokens(example.tokens, example.tags, example.text))

    def parse(self, written: str, target: str) -> dict[str, Any]:
        text, spans = unmark(written)
        slots = {span.slot for span in spans}
        if not slots <= set(self.labels):
            raise UnreadableError("unknown_slot")
        if target not in slots:
            raise UnreadableError("lacks_slot")
        tokens, tags = bio(text, spans)
        return {"text": text, "tokens": tokens, "tags": tags}


def mark(text: str, spans: Sequence[Span]) -> str:
    """A text with its spans marked; they ascend and do not overlap."""
    pieces, place = [], 0
    for span in spans:
        pieces += [text[place : span.start], f"[{span.slot}: {text[span.start : span.end]}]"]
        place = span.end
    return "".join([*pieces, text[place:]])


def unmark(written: str) -> tuple[str, list[Span]]:
    """The plain text and its spans. Raises UnreadableError for a mark that is empty, nested, open or has no slot."""
    text, spans = "", []
    for outside, mark in _pieces(written):
        if set(outside) & set("[]"):
            raise UnreadableError(MALFORMED)
        text += outside
        if mark is not None:
            slot, colon, value = (part.strip() for part in mark.partition(":"))
            if not (slot and colon and value):
                raise UnreadableError(MALFORMED)
            spans.append(Span(slot, len(text), len(text) + len(value)))
            text += value
    return text, spans


def _pieces(written: str) -> Iterator[tuple[str, str | None]]:
    """What stands before each mark, and the mark; None after the last one."""
    place = 0
    for found in _MARK.finditer(written):
        yield written[place : found.start()], found[1]
        place = found.end()
    yield written[place:], None
