"""Forms of a prompt, one a file; adding one touches its file and the table here."""

from __future__ import annotations

from generation.forms.base import Form
from generation.forms.chat import Chat
from generation.forms.completion import Completion

FORMS: dict[str, type[Form]] = {"completion": Completion, "chat": Chat}
