"""Another one like these: ambiguous seeds among their nearest neighbours.

WANLI (Liu et al. 2022): examples that a student is in two minds about while it learns tell it most. Each of a label's
most ambiguous seeds is shown after its nearest neighbours of the same label, the nearest last, and the LM goes on.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from generation.material import Material
from generation.methods.base import Ask, Method, Need
from generation.settings import GenerationSettings
from generation.task import Example, Label

AMBIGUOUS = 0.25  # share of a label's seeds
SHOWN = 5  # neighbours in a prompt

COMPLETION = """\
{{ task.description }}
{{ label.name | spaced }}: {{ label.description }}
{{ exemplars | length + 1 }} that are alike in what makes them so:

{% for exemplar in exemplars -%}
{{ loop.index }}. {{ exemplar.text.split() | join(" ") }}
{% endfor -%}
{{ exemplars | length + 1 }}."""

CHAT = """\
{{ task.description }}
These have the label "{{ label.name | spaced }}": {{ label.description }}
{%- for rule in label.rules %}
Rule: {{ rule }}
{%- endfor %}
{%- for exemplar in exemplars %}
- {{ exemplar.text.split() | join(" ") }}
{%- endfor %}
Write another one that is like these in what makes the label fit, above all like the last one, but not in wording.
Answer with the new text alone, on one line."""


@dataclass(frozen=True)
class Wanli(Method):
    """A prompt for each ambiguous seed, in turn."""

    name: ClassVar[str] = "wanli"
    summary: ClassVar[str] = "the LM goes on with an ambiguous seed and its nearest neighbours of the same label"
    paper: ClassVar[str] = "Liu et al. 2022"
    cost: ClassVar[str] = "up to six exemplars' tokens, once per ambiguous seed; the seeds are learnt once a round"
    templates: ClassVar[Mapping[str, str]] = {"completion": COMPLETION, "chat": CHAT}
    needs: ClassVar[frozenset[Need]] = frozenset({"variability", "neighbours"})
    needs_seeds: ClassVar[bool] = True

    def most_exemplars(self, settings: GenerationSettings) -> int:
        return SHOWN + 1

    def asks(self, material: Material, label: Label, count: int) -> Sequence[Ask]:
        """A label whose ambiguous seeds have no neighbour of their label is asked for with those seeds alone."""
        seeds = ambiguous(material, label.name)
        groups = [group for seed in seeds if len(group := [*neighbours(material, seed), seed]) > 1]
        asks = [
            Ask(self.prompt(material.task, label, group), tuple(each.id for each in group))
            for group in groups or [[seed] for seed in seeds]
        ]
        return [asks[turn % len(asks)] for turn in range(count if asks else 0)]


def ambiguous(material: Material, label: str) -> list[Example]:
    """The quarter of a label's seeds, at least one, of the highest variability, the highest first; ties by id."""
    seeds = sorted(material.task.seeds_of(label), key=lambda seed: (-material.variability.get(seed.id, 0.0), seed.id))
    return seeds[: math.ceil(AMBIGUOUS * len(seeds))]


def neighbours(material: Material, seed: Example) -> list[Example]:
    """Up to SHOWN seeds of its label among its neighbours, the nearest last; before they are known, any of them."""
    own = {other.id: other for other in material.task.seeds_of(str(seed.label)) if other.id != seed.id}
    near = material.neighbours.get(seed.id, sorted(own))
    return [own[name] for name in near if name in own][:SHOWN][::-1]
