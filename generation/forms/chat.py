"""An instruction in the model's own chat format, for LMs that follow instructions well."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from generation.forms.base import Form, strip_quotes
from generation.prompts import end_of_turn, render_chat

_LIST_MARK = re.compile(r"^(?:[-*•]|\d{1,2}[.)])\s+")


@dataclass(frozen=True)
class Chat(Form):
    """One message, answered on one line."""

    name: ClassVar[str] = "chat"
    layout: ClassVar[str] = "chat"
    asks_in_chat: ClassVar[bool] = True
    adds_special_tokens: ClassVar[bool] = False  # the chat template writes them

    def wrap(self, text: str) -> str:
        return text if self.model_folder is None else render_chat(self.model_folder, text)

    def answer(self, text: str) -> str:
        end = "\n" if self.model_folder is None else end_of_turn(self.model_folder)
        return " ".join(text.split()) + end

    def parse(self, answer: str) -> str:
        return strip_quotes(_LIST_MARK.sub("", answer.strip().split("\n")[0]))
