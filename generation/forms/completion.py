"""Plain completion: a text that the LM goes on with to the end of the line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from generation.forms.base import Form, strip_quotes


@dataclass(frozen=True)
class Completion(Form):
    """The next line of a list."""

    name: ClassVar[str] = "completion"
    layout: ClassVar[str] = "completion"

    @property
    def may_be_padded(self) -> bool:
        return self.model_folder is not None  # a server charges for them

    def answer(self, text: str) -> str:
        return f" {' '.join(text.split())}\n"

    def parse(self, answer: str) -> str:
        return strip_quotes(answer.strip().split("\n")[0])
