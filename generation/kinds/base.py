"""What the examples of a task are, beside a text and its label."""

from __future__ import annotations

from abc import ABC
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from generation.forms.base import MALFORMED
from generation.kinds.fields import known_label, string
from generation.records import digest
from generation.task import Example, Label, Task


class UnreadableError(Exception):
    """An answer from which no row can be read; `reason` is one of REASONS."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


# why an answer is no row of its kind: its form is broken, it marks an unknown slot, it lacks the one it was asked for
REASONS = (MALFORMED, "unknown_slot", "lacks_slot")


@dataclass(frozen=True)
class Kind(ABC):
    """How an example is read from a file, written in a prompt, and read from an answer; `labels` are the task's.

    A *target* is what a request asks for and what a row counts as: quotas, plans and waterfalls are per target. An
    example is *written* on one line. Methods see written examples only (`shown`), and what they bring is written too,
    so that they need not know the kind.
    """

    name: ClassVar[str]
    # columns of a row that no other kind fills
    columns: ClassVar[tuple[str, ...]] = ()
    # how an example is written, for prompts; "" where it is just a text
    form: ClassVar[str] = ""
    # whether a row's `text` is also how it is written: then adapters can learn from rows of earlier rounds
    is_written_as_text: ClassVar[bool] = True
    # whether a text is made of parts, which must not be torn
    has_parts: ClassVar[bool] = False
    # whether a text has several labels, which the judge sees one by one
    has_several: ClassVar[bool] = False
    # whether a judge can learn it; without one a row passes on filters alone, and the student starts from the encoder
    has_judge: ClassVar[bool] = True
    # whether a prompt for a label of few seeds shows others' seeds: of sets of labels it had the LM copy the one seed
    may_borrow: ClassVar[bool] = False

    labels: tuple[str, ...] = ()

    @classmethod
    def problem(cls, label: str) -> str | None:
        """Why a label must not have this name; None: it may."""
        return None

    def read(self, where: str, line: int, item: Mapping[str, Any]) -> Example:
        """The labelled example of an item of a file. Raises UserError that begins with `where`."""
        text = self.read_text(where, line, item)
        return replace(text, label=known_label(where, string(where, item, "label"), self.labels))

    def read_text(self, where: str, line: int, item: Mapping[str, Any]) -> Example:
        """The same without a label. Raises UserError."""
        return Example(string(where, item, "text"), line=line)

    def targets(self, labels: Sequence[Label], seeds: Iterable[Example]) -> tuple[Label, ...]:
        """What is asked for, with its part of the guideline."""
        return tuple(labels)

    def targets_of(self, example: Example) -> tuple[str, ...]:
        """The targets that an example stands for."""
        return () if example.label is None else (example.label,)

    def names_of(self, example: Example) -> tuple[str, ...]:
        """The task's labels that an example carries."""
        return self.targets_of(example)

    def write(self, example: Example) -> str:
        """An example as prompts show it."""
        return example.text

    def parse(self, written: str, target: str) -> dict[str, Any]:
        """Columns of a row from a written one that was made for `target`. Raises UnreadableError."""
        return {"text": written}

    def content(self, written: str, target: str, finish_reason: str | None) -> dict[str, Any]:
        """Columns `text`, `finish_reason` and those of the kind.

        Of an answer that came to its end and cannot be read the reason stands in `finish_reason`, and `text` is as it
        was written.
        """
        try:
            return {"finish_reason": finish_reason, **self.parse(written, target)}
        except UnreadableError as error:
            reason = error.reason if finish_reason in ("stop", None) else finish_reason
            return {"text": written, "finish_reason": reason}

    def shown(self, task: Task, in_json: bool = False) -> Task:
        """The task as methods see it: its labels are targets, and its examples are written, once for each target.

        `in_json`: answers have fields, so that nothing is to be said of how they are written.
        """
        return replace(
            task,
            description=task.description if in_json else f"{task.description} {self.form}".strip(),
            labels=self.targets(task.labels, (*task.seeds, *task.dev)),
            seeds=self._written(task.seeds),
            dev=self._written(task.dev),
        )

    def _written(self, examples: Iterable[Example]) -> tuple[Example, ...]:
        return tuple(
            Example(
                self.write(example),
                target,
                example.line,
                attributes=example.attributes,
                known_as=_known_as(example, target),
            )
            for example in examples
            for target in self.targets_of(example)
        )


def _known_as(example: Example, target: str) -> str:
    """The id of the person's own text goes with what is written in its place."""
    return example.known_as if example.label == target or not example.known_as else digest(example.known_as, target)
