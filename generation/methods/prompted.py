"""Exemplars of the label, and one more is asked for.

Label-controlled in-context generation (Brown et al. 2020; Ye et al. 2022): as plain completion a numbered list that the
LM goes on with, each exemplar on one line; in chat an instruction.

A list of one or two says little of what the texts of a task are like. Where a label has few seeds, those of other
labels come first in the completion, and every text stands behind what its label is, as behind a control code (Keskar
et al. 2019).
"""

from __future__ import annotations

import functools
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from generation.borrowing import Other, borrowed, borrows, longest_borrowed
from generation.combinations import combination, longest_phrases, phrases
from generation.material import Material
from generation.methods.base import Ask, Method
from generation.prompts import reads
from generation.records import digest
from generation.task import Example, Label

COMPLETION = """\
{% macro what(label) %}{{ label.description.split() | join(" ") | trim(" .:") }}{% endmacro -%}
{{ task.description }}
{% if others %}
{% for other in others -%}
{{ what(other.label) }}: {{ other.seed.text.split() | join(" ") }}
{% endfor -%}
{% for exemplar in exemplars -%}
{{ what(label) }}: {{ exemplar.text.split() | join(" ") }}
{% endfor -%}
{{ ([what(label)] + attributes.values() | list) | join(", ") }}:
{%- else -%}
{{ label.name | spaced }}: {{ label.description }}

{% for exemplar in exemplars -%}
{{ loop.index }}. {{ exemplar.text.split() | join(" ") }}
{% endfor -%}
{% if attributes %}
{{ label.name | spaced }}, {{ attributes.values() | join(", ") }}:
{% endif -%}
{{ exemplars | length + 1 }}.
{%- endif %}"""

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
{%- if attributes %}
Make this one: {{ attributes.values() | join("; ") }}.
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
        """Exemplar sets are few and shared, so that the engine's prefix cache has each of them once.

        Attributes vary from request to request: templates name them after the exemplars.
        """
        sets = exemplar_sets(material, label)
        beside: list[list[Other]] = [[] for _ in sets]
        if self._borrows(material, label):  # there are as many sets as of other labels, whose others differ
            sets = [sets[place % len(sets)] for place in range(material.settings.exemplar_sets)]
            beside = [borrowed(material, label, place, own) for place, own in enumerate(sets)]

        @functools.cache
        def ask(place: int, values: tuple[tuple[str, str], ...]) -> Ask:
            exemplars, others, attributes = sets[place], beside[place], dict(values)
            asked = phrases(material.task, attributes)
            prompt = self.prompt(material.task, label, exemplars, others=self._shown(others), attributes=asked)
            return Ask(prompt, tuple(seed.id for seed in (*(other.seed for other in others), *exemplars)), attributes)

        return [ask(turn % len(sets), tuple(combination(material, label, turn).items())) for turn in range(count)]

    def longest(self, material: Material, label: Label) -> str:
        if not self._borrows(material, label):
            return super().longest(material, label)
        own = sorted(material.task.seeds_of(label.name), key=lambda seed: -len(seed.text))
        own = own[: material.settings.exemplars]
        others, asked = longest_borrowed(material, label, own), longest_phrases(material.task)
        return self.prompt(material.task, label, own, others=self._shown(others), attributes=asked)

    def _borrows(self, material: Material, label: Label) -> bool:
        """Whether the template shows seeds of other labels, and this label needs them."""
        return self.adapting is None and borrows(material, label) and reads(self.source, "others")

    def _shown(self, others: Sequence[Other]) -> list[Other]:
        seeds = self.shown([other.seed for other in others])
        return [other._replace(seed=seed) for other, seed in zip(others, seeds, strict=True)]


def exemplar_sets(material: Material, label: Label) -> list[list[Example]]:
    """Up to `settings.exemplar_sets` different ordered samples of the label's seeds; one empty set without seeds.

    All waves of a round have the same, so that their prompts stay in the engines' caches. Where a set does not take all
    seeds, a round's sets go through all of them before one comes again, and rounds use each about equally often.
    With `settings.sparse` accepted rows from sparse regions stand in for some of the seeds.
    """
    seeds = sorted(material.task.seeds_of(label.name), key=lambda seed: seed.id)
    size = min(material.settings.exemplars, len(seeds))
    if size == 0:
        return [[]]
    before: Counter[str] = Counter()
    for round_ in range(material.round_):
        before.update(seed.id for chosen in _seed_sets(material, label, seeds, size, round_, before) for seed in chosen)
    sets = _seed_sets(material, label, seeds, size, material.round_, before)
    return list(_with_sparse(sets, material.sparse.get(label.name, ()), round(material.settings.sparse * size)))


def _seed_sets(
    material: Material, label: Label, seeds: Sequence[Example], size: int, round_: int, before: Counter[str]
) -> list[list[Example]]:
    """The sets of a round; `before` counts how often earlier rounds had each seed."""
    draw = random.Random(digest(material.identity, round_, 0, label.name))
    sets: dict[tuple[str, ...], list[Example]] = {}
    used: Counter[str] = Counter()
    for _ in range(material.settings.exemplar_sets * 4):
        shuffled = draw.sample(seeds, len(seeds))
        least = sorted(shuffled, key=lambda seed: (used[seed.id], before[seed.id]))[:size]
        chosen = [seed for seed in shuffled if seed in least]
        key = tuple(seed.id for seed in chosen)
        if key not in sets:
            sets[key] = chosen
            used.update(key)
        if len(sets) == material.settings.exemplar_sets:
            break
    return list(sets.values())


def _with_sparse(sets: Sequence[list[Example]], rows: Sequence[Example], count: int) -> Iterator[list[Example]]:
    """The sets with `count` of each one's first exemplars replaced by rows that take turns.

    The last exemplars, seeds, have the most influence on what comes next.
    """
    count = min(count, len(rows))
    for place, chosen in enumerate(sets):
        taken = [rows[(place * count + index) % len(rows)] for index in range(count)]
        yield [*taken, *chosen[count:]]
