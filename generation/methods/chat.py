"""An instruction in the model's own chat format, for LMs that follow instructions well."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from generation.methods.base import Method, strip_quotes
from generation.prompts import render_chat
from generation.task import Example, Label, Task

TEMPLATE = """\
{{ task.description }}
Write one new text with the label "{{ label.name | spaced }}": {{ label.description }}
{%- for rule in label.rules %}
Rule: {{ rule }}
{%- endfor %}
{%- if exemplars %}
Examples of this label:
{%- for exemplar in exemplars %}
- {{ exemplar.text.split() | join(" ") }}
{%- endfor %}
{%- endif %}
Answer with the new text alone, on one line, unlike the examples in wording."""

_LIST_MARK = re.compile(r"^(?:[-*•]|\d{1,2}[.)])\s+")


@dataclass(frozen=True)
class Chat(Method):
    """Ask for one new text."""

    @property
    def stop(self) -> tuple[str, ...]:
        return ("\n",)

    @property
    def asks_in_chat(self) -> bool:
        return True

    @property
    def adds_special_tokens(self) -> bool:
        return False  # the chat template writes them

    def prompt(self, task: Task, label: Label, exemplars: Sequence[Example]) -> str:
        message = super().prompt(task, label, exemplars)
        return message if self.model_folder is None else render_chat(self.model_folder, message)

    def parse(self, answer: str) -> str:
        return strip_quotes(_LIST_MARK.sub("", answer.strip().split("\n")[0]))
