"""Either form with answers that are JSON objects: they end by themselves, and one can tell when one is broken.

Engines of our own hold the LM to the schema, a server as far as it knows `response_format`; every answer is checked.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from generation.forms.base import Form, MalformedError
from generation.forms.chat import Chat
from generation.forms.completion import Completion

SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {"text": {"type": "string"}},
    "required": ["text"],
    "additionalProperties": False,
}
INSTRUCTION = '\nWrite it as a JSON object with the one field "text".'


@dataclass(frozen=True)
class JsonObject(Form):
    """What both have in common: an object with the field `text`, without white space outside strings."""

    schema: ClassVar[Mapping[str, Any] | None] = SCHEMA

    def show(self, text: str) -> str:
        return json.dumps({"text": " ".join(text.split())}, ensure_ascii=False, separators=(",", ":"))

    def parse(self, answer: str) -> str:
        try:
            told = json.loads(answer)
        except (ValueError, RecursionError):
            raise MalformedError("not JSON") from None
        if not isinstance(told, dict) or told.keys() != {"text"} or not isinstance(told["text"], str):
            raise MalformedError("not an object with a text")
        if any("\ud800" <= sign <= "\udfff" for sign in told["text"]):
            raise MalformedError("half of a surrogate pair")
        return " ".join(told["text"].split())


@dataclass(frozen=True)
class JsonCompletion(JsonObject, Completion):
    """The next line of a list of objects."""

    name: ClassVar[str] = "completion_json"


@dataclass(frozen=True)
class JsonChat(JsonObject, Chat):
    """One message, answered by an object, on however many lines."""

    name: ClassVar[str] = "chat_json"
    stop: ClassVar[tuple[str, ...]] = ()

    def wrap(self, text: str) -> str:
        return super().wrap(text + INSTRUCTION)
