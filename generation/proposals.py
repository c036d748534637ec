"""Attributes as an LM proposes them: what it is asked, and what is made of its answers (AttrPrompt, Yu et al. 2023)."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from generation.attribute import PERSONA
from generation.material import Material
from generation.methods.base import Ask
from generation.methods.prompted import Prompted
from generation.task import Example, Label, Task

# what an answer is to be about, in turn; with "" the LM finds a name itself
TOPICS = ("tone", "writer", "situation", "length", "style", "")
SHOWN, SHOWN_CHARACTERS = 6, 160  # examples of the task in a question, and how much of each
MOST_DIMENSIONS, MOST_VALUES, MOST_WORDS = 6, 6, 5

COMPLETION = """\
How texts of one kind differ, each time with some values.

Reviews of films
- tone: enthusiastic, disappointed, ironic, matter-of-fact
- writer: a critic, a teenager, a parent, a film student
- situation: after the premiere, seen on a plane, on a first date
- length: a few words, one sentence, a paragraph

Requests to a town hall
- style: formal, chatty, in telegram style, with spelling mistakes
- writer: a tenant, a shop owner, a pensioner, a newcomer
- tone: polite, impatient, worried, resigned

{{ task.description }}
{% for exemplar in exemplars -%}
"{{ exemplar.text }}"
{% endfor -%}
-{% if topic %} {{ topic }}:{% endif %}"""

CHAT = """\
{{ task.description }} Some of them:
{%- for exemplar in exemplars %}
- {{ exemplar.text }}
{%- endfor %}
Name one way in which such texts differ from each other, whatever they are about
{%- if topic %}, to do with the {{ topic }}{% endif %}. Give it a short name and 4 to 6 values of a few words each.
Answer with one line of the form: name: value, value, value, value"""

_MARKS = re.compile(r"^[\s\-*•#>\d.)]+|[*_`]+")
_AND = re.compile(r"^(?:and|or|etc\.?$|e\.g\.|such as)\s*", re.IGNORECASE)


class Proposing(Prompted):
    """Asks for one dimension a line. An engine cuts its answers as those of `prompted`."""

    templates: ClassVar[Mapping[str, str]] = {"completion": COMPLETION, "chat": CHAT}

    def asks(self, material: Material, label: Label, count: int) -> Sequence[Ask]:
        """Topics take turns; each question shows other seeds. The label does not matter."""
        return [self._ask(material.task, label, turn) for turn in range(count)]

    def _ask(self, task: Task, label: Label, turn: int) -> Ask:
        topic, shown = TOPICS[turn % len(TOPICS)], _shown(task, turn)
        prompt = self.prompt(task, label, shown, topic=topic)
        return Ask(prompt, tuple(each.id for each in shown), {"topic": topic})


@dataclass(frozen=True)
class Proposal:
    """A dimension, its values in order, and in how many answers each of them stood."""

    name: str
    values: tuple[str, ...]
    counts: tuple[int, ...]


def read_answer(text: str, topic: str) -> tuple[str, list[str]]:
    """(name, values) of a line `name: value, value`, or of values alone; ("", []) for anything else."""
    before, colon, after = text.partition(":")
    name, listed = (before, after) if colon else (topic, text)
    name = _clean(name).lower()
    values = [value for value in map(_clean, re.split(r"[,;/|]", listed)) if _is_short(value)]
    return (name, values) if values and _is_short(name) else ("", [])


def merge_answers(answers: Iterable[tuple[str, str]]) -> list[Proposal]:
    """Dimensions of (answer, topic) pairs, those that most answers name first; each has two values or more.

    Names and values that differ in case alone are one. Of a dimension's values the most named are taken.
    """
    times: Counter[str] = Counter()
    values: defaultdict[str, Counter[str]] = defaultdict(Counter)
    written: dict[str, str] = {}
    for text, topic in answers:
        name, listed = read_answer(text, topic)
        if not name:
            continue
        name = "writer" if name == PERSONA else name  # personas have a list of their own
        times[name] += 1
        for value in listed:
            written.setdefault(value.lower(), value)
        values[name].update({value.lower() for value in listed})
    proposals = [_proposal(name, values[name], written) for name, _ in _most(times, len(times))]
    return [each for each in proposals if len(each.values) > 1][:MOST_DIMENSIONS]


def _proposal(name: str, counts: Counter[str], written: Mapping[str, str]) -> Proposal:
    most = _most(counts, MOST_VALUES)
    return Proposal(name, tuple(written[value] for value, _ in most), tuple(count for _, count in most))


def _most(counts: Counter[str], count: int) -> list[tuple[str, int]]:
    """The highest counts; of equal ones the first in the alphabet."""
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:count]


def _shown(task: Task, turn: int) -> list[Example]:
    """A seed of each of some labels, cut short: other labels and seeds each turn."""
    chosen = []
    for place in range(min(SHOWN, len(task.labels))):
        label = task.labels[(turn * SHOWN + place) % len(task.labels)]
        if seeds := task.seeds_of(label.name):
            seed = seeds[(turn + turn // len(TOPICS)) % len(seeds)]
            chosen.append(replace(seed, text=" ".join(seed.text.split())[:SHOWN_CHARACTERS]))
    return chosen


def _clean(text: str) -> str:
    """Without list marks, emphasis, quotes, a final stop or an introducing word."""
    text = _MARKS.sub("", text.strip()).strip(" \t\"'“”().")
    return _AND.sub("", text).strip()


def _is_short(text: str) -> bool:
    return any(character.isalpha() for character in text) and len(text.split()) <= MOST_WORDS
