"""Several labels a text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from generation.errors import UserError, clip
from generation.kinds.base import Kind
from generation.kinds.fields import known_label, string, strings
from generation.task import Example, Label

PLUS = "+"


@dataclass(frozen=True)
class MultiLabelKind(Kind):
    """Columns `text` and `labels`, a list, or in a cell of a table one string, "a+b".

    What is asked for is a set of labels, written "a+b" in sorted order: each set that occurs in the seeds, and each
    label alone that occurs in none of them. So quotas, plans and waterfalls are per set.
    """

    name: ClassVar[str] = "multi_label"
    columns: ClassVar[tuple[str, ...]] = ("labels",)
    has_several: ClassVar[bool] = True

    @classmethod
    def problem(cls, label: str) -> str | None:
        return f"label names must not contain {PLUS!r}, which joins them; got {label!r}" if PLUS in label else None

    def read(self, where: str, line: int, item: Mapping[str, Any]) -> Example:
        names = item.get("labels")
        names = names.split(PLUS) if isinstance(names, str) else strings(where, item, "labels")
        for name in names:
            known_label(where, name, self.labels)
        if len(set(names)) < len(names):
            raise UserError(f"{where}: labels must differ; got {clip(names)}")
        return Example(string(where, item, "text"), join(names), line)

    def names_of(self, example: Example) -> tuple[str, ...]:
        return () if example.label is None else split(example.label)

    def targets(self, labels: Sequence[Label], seeds: Iterable[Example]) -> tuple[Label, ...]:
        known = {label.name: label for label in labels}
        sets = {self.names_of(seed) for seed in seeds} - {()}
        seen = {name for names in sets for name in names}
        sets |= {(name,) for name in known if name not in seen}
        return tuple(_together([known[name] for name in names]) for names in sorted(sets))

    def parse(self, written: str, target: str) -> dict[str, Any]:
        return {"text": written, "labels": list(split(target))}


def join(names: Iterable[str]) -> str:
    """A set of labels as one."""
    return PLUS.join(sorted(names))


def split(label: str) -> tuple[str, ...]:
    """The labels of a joined set."""
    return tuple(label.split(PLUS))


def _together(labels: Sequence[Label]) -> Label:
    return Label(
        name=join(label.name for label in labels),
        description="; ".join(label.description for label in labels),
        rules=tuple(rule for label in labels for rule in label.rules),
    )
