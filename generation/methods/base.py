"""What every method has in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Literal

from generation.combinations import longest_phrases
from generation.forms.base import Form
from generation.material import Material
from generation.prompts import render_prompt
from generation.settings import GenerationSettings
from generation.task import Example, Label, Task

Adapting = Literal["lora", "soft_prompt", "mixture"]
Need = Literal["kept", "pool", "variability", "neighbours", "synonyms"]


@dataclass(frozen=True)
class Ask:
    """One prompt of a plan: `seed_ids` name the examples in it, `attributes` what else it was asked for.

    `text` is a real text that it asks about; with `choices` the answer is the likeliest of them.
    """

    prompt: str
    seed_ids: tuple[str, ...] = ()
    attributes: Mapping[str, str] = field(default_factory=dict)
    text: str = ""
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Written:
    """What an answer came to: a row's text and the label that it is meant to have; `source` is one of SOURCES."""

    text: str
    label: str
    source: str = "generated"


@dataclass(frozen=True)
class Method(ABC):
    """A way to have texts of a label written: which prompts are asked, and how a text is cut out of an answer.

    `form` is what a prompt looks like, `source` the Jinja template in use: the method's own for that form (`templates`)
    or the user's.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    paper: ClassVar[str]
    cost: ClassVar[str]
    templates: ClassVar[Mapping[str, str]]
    # the kind of adapter that is trained for it, and whether one serves all labels
    adapting: ClassVar[Adapting | None] = None
    shared_adapter: ClassVar[bool] = False
    # parts of the material that are made for it
    needs: ClassVar[frozenset[Need]] = frozenset()
    # whether a text says an example or two anew: these are its parents, not mere examples of the label
    rewrites: ClassVar[bool] = False
    # whether it has nothing to ask for a label without seeds
    needs_seeds: ClassVar[bool] = False
    # whether the answer is one of an Ask's choices, which a server cannot be told
    is_constrained: ClassVar[bool] = False
    # whether a prompt is the text itself, written without an LM
    is_literal: ClassVar[bool] = False

    form: Form
    source: str
    source_name: str = "template"

    @property
    def model_folder(self) -> Path | None:
        """The LM's folder; None when it lies on a server."""
        return self.form.model_folder

    @property
    def stop(self) -> tuple[str, ...]:
        """Strings at which an answer ends."""
        return self.form.stop

    @property
    def writes(self) -> bool:
        """Whether the LM writes texts of a label, so that the label's adapter is of use."""
        return not (self.is_literal or self.is_constrained)

    def samples(self, settings: GenerationSettings) -> int:
        """Texts that a request brings."""
        return settings.samples if self.writes else 1

    def most_exemplars(self, settings: GenerationSettings) -> int:
        """The most examples that a prompt shows."""
        return settings.exemplars

    @abstractmethod
    def asks(self, material: Material, label: Label, count: int) -> Sequence[Ask]:
        """The prompts for `count` requests of a label, one each, in order. Raises UserError for a bad template."""

    def longest(self, material: Material, label: Label) -> str:
        """A prompt for a label that is as long as any: the one with the longest examples."""
        seeds = sorted(material.task.seeds_of(label.name), key=lambda seed: -len(seed.text))
        shown = seeds[: self.most_exemplars(material.settings)]
        return self.prompt(material.task, label, shown, attributes=longest_phrases(material.task))

    def prompt(self, task: Task, label: Label, exemplars: Sequence[Example], **more: object) -> str:
        """The rendered template; it sees `task`, `label`, `labels`, `exemplars` and what else the method gives it.

        `attributes` is always there: dimension -> what is asked for, empty unless the method gives some.
        """
        seen = {"attributes": {}, "others": (), **more}
        return self.form.wrap(render_prompt(self.source, task, label, self.shown(exemplars), self.source_name, seen))

    def shown(self, exemplars: Sequence[Example]) -> list[Example]:
        """Examples as a prompt has them."""
        return [replace(exemplar, text=self.form.show(exemplar.text)) for exemplar in exemplars]

    def read(self, request: Mapping[str, Any], answer: str) -> Written:
        """What an answer to a planned request (REQUEST_SCHEMA) came to."""
        return Written(self.parse(answer), request["label"])

    def parse(self, answer: str) -> str:
        """The text in an answer; '' when there is none. Raises MalformedError."""
        return answer if self.is_literal else self.form.parse(answer)
