"""Exemplars of the label, and one more is asked for.

Label-controlled in-context generation (Brown et al. 2020; Ye et al. 2022): as plain completion a numbered list that the
LM goes on with, each exemplar on one line; in chat an instruction.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from generation.material import Material
from generation.methods.base import Ask, Method
from generation.records import digest
from generation.task import Example, Label

COMPLETION = """\
{{ task.description }}
{{ label.name | spaced }}: {{ label.description }}

{% for exemplar in exemplars -%}
{{ loop.index }}. {{ exemplar.text.split() | join(" ") }}
{% endfor -%}
{{ exemplars | length + 1 }}."""

CHAT = """\
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


@dataclass(frozen=True)
class Prompted(Method):
    """The base model with exemplars."""

    name: ClassVar[str] = "prompted"
    summary: ClassVar[str] = "the LM goes on with a list of the label's seeds"
    paper: ClassVar[str] = "Ye et al. 2022"
    cost: ClassVar[str] = "the exemplars' tokens, once per exemplar set"
    templates: ClassVar[Mapping[str, str]] = {"completion": COMPLETION, "chat": CHAT}

    def asks(self, material: Material, label: Label, count: int) -> Sequence[Ask]:
        """Exemplar sets are few and shared, so that the engine's prefix cache has each of them once."""
        asks = [
            Ask(self.prompt(material.task, label, exemplars), tuple(exemplar.id for exemplar in exemplars))
            for exemplars in exemplar_sets(material, label)
        ]
        return [asks[turn % len(asks)] for turn in range(count)]


def exemplar_sets(material: Material, label: Label) -> list[list[Example]]:
    """Up to `settings.exemplar_sets` different ordered samples of the label's seeds; one empty set without seeds.

    All waves of a round have the same, so that their prompts stay in the engines' caches.
    """
    settings = material.settings
    seeds = sorted(material.task.seeds_of(label.name), key=lambda seed: seed.id)
    size = min(settings.exemplars, len(seeds))
    if size == 0:
        return [[]]
    draw = random.Random(digest(material.identity, material.round_, 0, label.name))
    sets: dict[tuple[str, ...], list[Example]] = {}
    for _ in range(settings.exemplar_sets * 4):
        chosen = draw.sample(seeds, size)
        sets.setdefault(tuple(seed.id for seed in chosen), chosen)
        if len(sets) == settings.exemplar_sets:
            break
    return list(sets.values())
