"""Ways to ask, one a file; adding one touches its file and the table here."""

from __future__ import annotations

from pathlib import Path

from generation.errors import UserError
from generation.methods import chat, completion
from generation.methods.base import Method

METHODS: dict[str, tuple[type[Method], str]] = {
    "completion": (completion.Completion, completion.TEMPLATE),
    "chat": (chat.Chat, chat.TEMPLATE),
}


def make_method(name: str, model_folder: Path | None, template: Path | None = None) -> Method:
    """The method called `name`, with the user's template file in place of its own if given. Raises UserError."""
    kind, source = METHODS[name]
    if template is None:
        return kind(source, model_folder)
    try:
        return kind(template.read_text(encoding="utf-8"), model_folder, str(template))
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"generation.template: {template} cannot be read ({error})") from None
