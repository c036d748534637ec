"""What every method has in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal

from generation.forms.base import Form
from generation.material import Material
from generation.prompts import render_prompt
from generation.task import Example, Label, Task

Adapting = Literal["lora", "soft_prompt", "mixture"]
Need = Literal["kept", "pool", "variability", "neighbours"]


@dataclass(frozen=True)
class Ask:
    """One prompt of a plan: `seed_ids` name the examples in it, `attributes` what else it was asked for."""

    prompt: str
    seed_ids: tuple[str, ...] = ()
    attributes: Mapping[str, str] = field(default_factory=dict)


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
    # parts of the material that it cannot do without
    needs: ClassVar[frozenset[Need]] = frozenset()
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

    @abstractmethod
    def asks(self, material: Material, label: Label, count: int) -> Sequence[Ask]:
        """The prompts for `count` requests of a label, one each, in order. Raises UserError for a bad template."""

    def prompt(self, task: Task, label: Label, exemplars: Sequence[Example], **more: object) -> str:
        """The rendered template; it sees `task`, `label`, `labels`, `exemplars` and what else the method gives it.

        `attributes` is always there: dimension -> what is asked for, empty unless the method gives some.
        """
        seen = {"attributes": {}, **more}
        return self.form.wrap(render_prompt(self.source, task, label, exemplars, self.source_name, seen))

    def parse(self, answer: str) -> str:
        """The text in an answer; '' when there is none."""
        return self.form.parse(answer)
