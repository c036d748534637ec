"""Plain completion: a numbered list of the label's exemplars that the LM goes on with.

Label-controlled in-context generation (Brown et al. 2020; Ye et al. 2022). Each exemplar stands on one line, and
an answer ends with its line.
"""

from __future__ import annotations

from dataclasses import dataclass

from generation.methods.base import Method, strip_quotes

TEMPLATE = """\
{{ task.description }}
{{ label.name | spaced }}: {{ label.description }}

{% for exemplar in exemplars -%}
{{ loop.index }}. {{ exemplar.text.split() | join(" ") }}
{% endfor -%}
{{ exemplars | length + 1 }}."""


@dataclass(frozen=True)
class Completion(Method):
    """Continue a numbered list."""

    @property
    def stop(self) -> tuple[str, ...]:
        return ("\n",)

    @property
    def may_be_padded(self) -> bool:
        return self.model_folder is not None  # a server charges for them

    def parse(self, answer: str) -> str:
        return strip_quotes(answer.strip().split("\n")[0])
