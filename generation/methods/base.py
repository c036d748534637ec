"""What every way of asking has in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from generation.prompts import render_prompt
from generation.task import Example, Label, Task


@dataclass(frozen=True)
class Method(ABC):
    """A way to ask an LM for texts of a label: renders a prompt, and cuts a text out of the answer.

    `source` is the Jinja template in use (the method's own, or the user's), `model_folder` the LM's folder; None when
    the LM lies on a server.
    """

    source: str
    model_folder: Path | None
    source_name: str = "template"

    @property
    @abstractmethod
    def stop(self) -> tuple[str, ...]:
        """Strings at which an answer ends."""

    @property
    def asks_in_chat(self) -> bool:
        """Whether the prompt is a message to a chat model, not a text to go on with."""
        return False

    @property
    def adds_special_tokens(self) -> bool:
        """Whether the tokenizer adds its own begin-of-text token to the prompt."""
        return True

    @property
    def may_be_padded(self) -> bool:
        """Whether line breaks before the prompt do no harm."""
        return False

    def prompt(self, task: Task, label: Label, exemplars: Sequence[Example]) -> str:
        """The prompt for one request; for a server, which formats messages itself, the message."""
        return render_prompt(self.source, task, label, exemplars, self.source_name)

    @abstractmethod
    def parse(self, answer: str) -> str:
        """The text in an answer; '' when there is none."""


def strip_quotes(text: str) -> str:
    """`text` without one pair of quotes around the whole of it, and with runs of white space as one space."""
    text = " ".join(text.split())
    for opening, closing in (('"', '"'), ("“", "”"), ("'", "'")):
        inner = text[1:-1]
        if len(text) > 2 and text[0] == opening and text[-1] == closing and closing not in inner:
            return inner.strip()
    return text
