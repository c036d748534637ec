"""An example is said anew.

Kumar et al. 2020, "Data augmentation using pre-trained transformer models": there the LM is tuned to do it, here it is
asked to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from generation.material import Material
from generation.methods.base import Ask, Method, Need
from generation.settings import GenerationSettings
from generation.task import Label

COMPLETION = """\
{{ task.description }}
{{ label.name | spaced }}: {{ label.description }}

Each of them is said twice: by one writer, and with the same meaning in quite different words by another.
First: {{ (exemplars | first).text.split() | join(" ") }}
Second:"""

CHAT = """\
{{ task.description }}
This one has the label "{{ label.name | spaced }}": {{ label.description }}
{%- for rule in label.rules %}
Rule: {{ rule }}
{%- endfor %}
Text: {{ (exemplars | first).text.split() | join(" ") }}
Say the same in quite different words, as another person would. Answer with the new text alone, on one line."""


@dataclass(frozen=True)
class Paraphrase(Method):
    """One example a prompt."""

    name: ClassVar[str] = "paraphrase"
    summary: ClassVar[str] = "the LM says an example anew: a seed, or a row kept in an earlier round"
    paper: ClassVar[str] = "Kumar et al. 2020"
    cost: ClassVar[str] = "an example's tokens a request"
    templates: ClassVar[Mapping[str, str]] = {"completion": COMPLETION, "chat": CHAT}
    needs: ClassVar[frozenset[Need]] = frozenset({"kept"})
    rewrites: ClassVar[bool] = True
    needs_seeds: ClassVar[bool] = True

    def most_exemplars(self, settings: GenerationSettings) -> int:
        return 1

    def asks(self, material: Material, label: Label, count: int) -> Sequence[Ask]:
        """Examples take turns, in another order in every wave."""
        examples = material.examples_of(label.name)
        material.draw(label.name).shuffle(examples)
        asks = [Ask(self.prompt(material.task, label, [each]), (each.id,)) for each in examples[:count]]
        return [asks[turn % len(asks)] for turn in range(count if asks else 0)]
