"""Why a text has its label, as an LM explains it: Wiegreffe et al. 2022, "Reframing human-AI collaboration for
generating free-text explanations". Of each row one greedy explanation and some drawn ones; people's votes choose.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pyarrow as pa

from generation.errors import UserError
from generation.items import read_items
from generation.kinds.fields import known_label, string
from generation.material import Material
from generation.methods.base import Ask
from generation.methods.prompted import Prompted
from generation.plan import plan_wave
from generation.task import Example, Label

DRAWN = 4  # explanations of a row beside the greedy one

COMPLETION = """\
{{ task.description }} Why does each text have its label?
{% for each in told %}
Text: {{ each.text.split() | join(" ") }}
Label: {{ each.label | spaced }}
Why: {{ each.why }}
{% endfor %}
Text: {{ text.split() | join(" ") }}
Label: {{ label.name | spaced }} ({{ label.description }})
Why:"""

CHAT = """\
{{ task.description }}
{%- if told %}
Examples of texts, their labels, and why they have them:
{%- for each in told %}
Text: {{ each.text.split() | join(" ") }}
Label: {{ each.label | spaced }}
Why: {{ each.why }}
{%- endfor %}
{%- endif %}
Text: {{ text.split() | join(" ") }}
Label: {{ label.name | spaced }} ({{ label.description }})
Explain in one sentence, on one line, why this text has this label. Say what the text alone does not say."""


@dataclass(frozen=True)
class Told:
    """A text, its label, and a person's words on why it has it."""

    text: str
    label: str
    why: str


@dataclass(frozen=True)
class Explaining(Prompted):
    """Asks about each of `rows` once. An engine cuts its answers as those of `prompted`."""

    templates: ClassVar[Mapping[str, str]] = {"completion": COMPLETION, "chat": CHAT}

    rows: tuple[Example, ...] = ()
    told: tuple[Told, ...] = ()

    def asks(self, material: Material, label: Label, count: int) -> Sequence[Ask]:
        """An Ask a row of the label, whose `seed_ids` name the row. All prompts begin alike, with what people told."""
        return [
            Ask(self.prompt(material.task, label, [], text=row.text, told=self.told), (row.id,), text=row.text)
            for row in self.rows
            if row.label == label.name
        ][:count]


def plan_explanations(material: Material, method: Explaining, turn: int) -> tuple[pa.Table, pa.Table]:
    """Requests (REQUEST_SCHEMA) for the method's rows: for a greedy answer each, and for DRAWN drawn ones."""
    counts = {name: sum(row.label == name for row in method.rows) for name in material.task.label_names}
    settings = material.settings
    greedy = Material(material.task, settings.model_copy(update={"samples": 1}), material.identity)
    drawn = Material(material.task, settings.model_copy(update={"samples": DRAWN}), material.identity)
    cold = dict.fromkeys(counts, 0.0)
    return plan_wave(greedy, method, 2 * turn, counts, cold), plan_wave(drawn, method, 2 * turn + 1, counts)


def read_told(path: Path, labels: Sequence[str]) -> tuple[Told, ...]:
    """Explanations that people wrote: columns `text`, `label`, `explanation`. Raises UserError naming the place."""
    unit, items = read_items(path)
    found = []
    for place, item in items:
        where = f"{path} {unit} {place}"
        if not isinstance(item, Mapping):
            raise UserError(f"{where}: must be an object with a text, a label and an explanation")
        label = string(where, item, "label")
        known_label(where, label, labels)
        why = " ".join(string(where, item, "explanation").split())
        found.append(Told(string(where, item, "text"), label, why))
    if not found:
        raise UserError(f"{path}: no rows")
    return tuple(found)
