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


@dataclass(frozen=True)
class JsonObject(Form):
    """What all have in common: an object with the field `text`, without white space outside strings.

    Kinds whose texts have parts have other fields (generation/parts_in_json.py).
    """

    schema: ClassVar[Mapping[str, Any]] = SCHEMA
    # how a chat model is told of the fields
    fields: ClassVar[str] = 'the one field "text"'

    def show(self, text: str) -> str:
        return json.dumps(self.parts_of(" ".join(text.split())), ensure_ascii=False, separators=(",", ":"))

    def parse(self, answer: str) -> str:
        try:
            told = json.loads(answer)
        except (ValueError, RecursionError):
            raise MalformedError("not JSON") from None
        if not isinstance(told, dict) or told.keys() != set(self.schema["required"]):
            raise MalformedError("not an object with the fields")
        text = self.text_of(told)
        if any("\ud800" <= sign <= "\udfff" for sign in text):
            raise MalformedError("half of a surrogate pair")
        return " ".join(text.split())

    def parts_of(self, text: str) -> dict[str, Any]:
        """The fields of a written text."""
        return {"text": text}

    def text_of(self, told: Mapping[str, Any]) -> str:
        """The written text of fields that are all there. Raises MalformedError."""
        return a_string(told["text"])


def a_string(value: Any) -> str:
    """The value if it is a string. Raises MalformedError."""
    if not isinstance(value, str):
        raise MalformedError("not a string")
    return value


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
        return super().wrap(f"{text}\nWrite it as a JSON object with {self.fields}.")
