"""Forms of a prompt, one a file; adding one touches its file and the tables here."""

from __future__ import annotations

from generation.forms.base import Form
from generation.forms.chat import Chat
from generation.forms.completion import Completion
from generation.forms.json_object import JsonChat, JsonCompletion

FORMS: dict[str, type[Form]] = {"completion": Completion, "chat": Chat}
# the same with `generation.output: json`
JSON_FORMS: dict[str, type[Form]] = {"completion_json": JsonCompletion, "chat_json": JsonChat}
