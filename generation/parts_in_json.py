"""JSON forms of the kinds whose texts have parts: a field for each, in place of marks within one text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from generation.forms.base import Form, MalformedError
from generation.forms.json_object import JsonChat, JsonCompletion, JsonObject, a_string
from generation.kinds.base import UnreadableError
from generation.kinds.pair import MARK, join
from generation.kinds.spans import Span
from generation.kinds.tags import mark, unmark

_TEXT = {"type": "string"}


def _object(**fields: Any) -> dict[str, Any]:
    """A schema of an object with these fields and no others."""
    return {"type": "object", "properties": fields, "required": [*fields], "additionalProperties": False}


@dataclass(frozen=True)
class PairInJson(JsonObject):
    """A field for each of the two texts."""

    schema: ClassVar[Mapping[str, Any]] = _object(text_a=_TEXT, text_b=_TEXT)
    fields: ClassVar[str] = 'the fields "text_a" and "text_b"'

    def parts_of(self, text: str) -> dict[str, Any]:
        first, _, second = text.partition(MARK)
        return {"text_a": first.strip(), "text_b": second.strip()}

    def text_of(self, told: Mapping[str, Any]) -> str:
        return join(a_string(told["text_a"]), a_string(told["text_b"]))


@dataclass(frozen=True)
class TagsInJson(JsonObject):
    """The plain text, and its slots, each with the words that fill it; at least one is filled."""

    schema: ClassVar[Mapping[str, Any]] = _object(
        text=_TEXT, slots={"type": "array", "items": _object(slot=_TEXT, value=_TEXT), "minItems": 1}
    )
    fields: ClassVar[str] = (
        'the fields "text" and "slots": a list of objects with "slot" and "value", which stands in the text'
    )

    def parts_of(self, text: str) -> dict[str, Any]:
        plain, spans = unmark(text)
        return {"text": plain, "slots": [{"slot": each.slot, "value": plain[each.start : each.end]} for each in spans]}

    def text_of(self, told: Mapping[str, Any]) -> str:
        text, slots = " ".join(a_string(told["text"]).split()), told["slots"]
        if not isinstance(slots, list) or set(text) & set("[]"):
            raise MalformedError("no list of slots, or a text with brackets")
        spans: list[Span] = []
        for each in slots:
            if not isinstance(each, dict) or each.keys() != {"slot", "value"}:
                raise MalformedError("a slot that is no object of slot and value")
            spans.append(_span(text, a_string(each["slot"]), a_string(each["value"]), spans))
        written = mark(text, sorted(spans, key=lambda span: span.start))
        try:
            unmark(written)
        except UnreadableError:
            raise MalformedError("a slot or value that no mark can hold") from None
        return written


def _span(text: str, slot: str, value: str, taken: list[Span]) -> Span:
    """Where a value first stands in a text beside what is taken. Raises MalformedError."""
    value, start = " ".join(value.split()), -1
    while value and (start := text.find(value, start + 1)) >= 0:
        end = start + len(value)
        if all(end <= other.start or other.end <= start for other in taken):
            return Span(slot, start, end)
    raise MalformedError("a value that does not stand in the text")


@dataclass(frozen=True)
class PairCompletion(PairInJson, JsonCompletion):
    name: ClassVar[str] = "completion_json_pair"


@dataclass(frozen=True)
class PairChat(PairInJson, JsonChat):
    name: ClassVar[str] = "chat_json_pair"


@dataclass(frozen=True)
class TagsCompletion(TagsInJson, JsonCompletion):
    name: ClassVar[str] = "completion_json_tags"


@dataclass(frozen=True)
class TagsChat(TagsInJson, JsonChat):
    name: ClassVar[str] = "chat_json_tags"


KIND_FORMS: dict[str, type[Form]] = {form.name: form for form in (PairCompletion, PairChat, TagsCompletion, TagsChat)}
