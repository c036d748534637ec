"""What a prompt looks like to the LM, and where its answer ends."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

MALFORMED = "malformed"  # the finish reason of such an answer's row


class MalformedError(Exception):
    """An answer does not have the form that was asked for."""


@dataclass(frozen=True)
class Form(ABC):
    """Wraps a rendered template for the LM, and cuts a text out of its answer.

    `model_folder` is the LM's folder; None when the LM lies on a server.
    """

    name: ClassVar[str]
    # which of a method's templates it wraps
    layout: ClassVar[str]
    # whether the prompt is a message to a chat model, not a text to go on with
    asks_in_chat: ClassVar[bool] = False
    # whether the tokenizer adds its own begin-of-text token to the prompt
    adds_special_tokens: ClassVar[bool] = True
    # strings at which an answer ends
    stop: ClassVar[tuple[str, ...]] = ("\n",)
    # the JSON schema of an answer; None: it is the text itself
    schema: ClassVar[Mapping[str, Any] | None] = None

    model_folder: Path | None

    @property
    def may_be_padded(self) -> bool:
        """Whether line breaks before the prompt do no harm."""
        return False

    def wrap(self, text: str) -> str:
        """The prompt for a rendered template; for a server, which formats messages itself, the message."""
        return text

    def show(self, text: str) -> str:
        """An exemplar's text as an answer would hold it."""
        return text

    @abstractmethod
    def answer(self, text: str) -> str:
        """What an LM that writes `text` should say after the prompt, to where it stops."""

    @abstractmethod
    def parse(self, answer: str) -> str:
        """The text in an answer; '' when there is none. Raises MalformedError."""


def strip_quotes(text: str) -> str:
    """`text` without one pair of quotes around the whole of it, and with runs of white space as one space."""
    text = " ".join(text.split())
    for opening, closing in (('"', '"'), ("“", "”"), ("'", "'")):
        inner = text[1:-1]
        if len(text) > 2 and text[0] == opening and text[-1] == closing and closing not in inner:
            return inner.strip()
    return text
