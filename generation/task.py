"""What a task is: its labels with their guideline, and hand-written examples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

from generation.attribute import Attribute
from generation.records import digest

Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class CounterExample(BaseModel):
    """A text that looks like one label but belongs to another."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: Words
    label: Words


class Label(BaseModel):
    """A label and its part of the annotation guideline."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Words
    description: Words
    rules: tuple[Words, ...] = ()
    counter_examples: tuple[CounterExample, ...] = ()


@dataclass(frozen=True)
class Example:
    """A text with its label (None: unlabelled), as a person gave it; `line` is its place in the file.

    What `label` and `text` hold of an example of several labels or of a pair, their kinds say (generation/kinds).
    `tokens` and their BIO `tags` are those of a text whose spans fill slots. `attributes` are (dimension, value) pairs,
    sorted, as far as they are told. `known_as` is the id of what the person gave where that is not what stands here
    (denoise.redact).
    """

    text: str
    label: str | None = None
    line: int = 0
    tokens: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    attributes: tuple[tuple[str, str], ...] = ()
    known_as: str = ""

    @property
    def id(self) -> str:
        """Hash of content, so the same example has the same id in every file order."""
        more = [each for each in (self.tags, self.attributes) if each]
        return self.known_as or digest("example", self.text, self.label, *more)


@dataclass(frozen=True)
class Task:
    """What generation and denoising need to know; `seeds` are labelled, in file order.

    `dev` is a part of the seeds that is held out of prompts and training, for early stopping only. `attributes` are
    ways in which texts of every label are to differ, personas among them.
    """

    name: str
    description: str
    labels: tuple[Label, ...]
    seeds: tuple[Example, ...]
    dev: tuple[Example, ...] = ()
    attributes: tuple[Attribute, ...] = ()

    @property
    def guideline(self) -> list[Example]:
        """The descriptions of the labels that have seeds, each as one more example of its label.

        Judge and student gain by it (docs/results.md). A label without seeds is left out:
        one sentence alone would make the judge sure of what it does not know.
        """
        seeded = {seed.label for seed in self.seeds}
        return [Example(label.description, label.name) for label in self.labels if label.name in seeded]

    @property
    def label_names(self) -> list[str]:
        return [label.name for label in self.labels]

    def label(self, name: str) -> Label:
        return next(label for label in self.labels if label.name == name)

    def seeds_of(self, name: str) -> list[Example]:
        return [seed for seed in self.seeds if seed.label == name]
