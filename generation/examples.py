"""Examples that people hand in: read from JSON, JSONL, CSV or Parquet, and held out in part."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from generation.attribute import Attribute
from generation.errors import UserError, clip
from generation.items import read_items
from generation.kinds import make_kind
from generation.kinds.base import Kind
from generation.kinds.fields import known_label, string
from generation.kinds.label import LABEL
from generation.task import Example


def read_examples(
    path: Path, labels: Collection[str] | None, kind: str = "label", dimensions: Sequence[Attribute] = ()
) -> tuple[Example, ...]:
    """The examples of a file in file order, without exact repetitions; their columns are those of the kind of task.

    With `labels` None the texts are unlabelled and a label column is ignored, as other columns are; those named after
    `dimensions` tell attributes. Raises UserError naming the file, the place (a line, item or row) and the rule.
    """
    unit, items = read_items(path)
    made = make_kind(kind, labels or ())
    read = made.read_text if labels is None else made.read
    kept: dict[str, Example] = {}
    for place, item in items:
        where = f"{path} {unit} {place}"
        if not isinstance(item, Mapping):
            raise UserError(f"{where}: must be an object with a text; got {clip(item)}")
        example = read(where, place, item)
        example = replace(example, attributes=_attributes(where, item, example.text, dimensions))
        first = kept.setdefault(example.text, example)
        if first.label != example.label:
            texts = f"text {clip(example.text)} has label {example.label!r}"
            raise UserError(f"{where}: {texts}, but label {first.label!r} in {unit} {first.line}")
        if first.tags != example.tags:
            raise UserError(f"{where}: text {clip(example.text)} has other tags in {unit} {first.line}")
        if first.attributes != example.attributes:
            raise UserError(f"{where}: text {clip(example.text)} has other attributes in {unit} {first.line}")
    if not kept:
        raise UserError(f"{path}: no rows")
    return tuple(kept.values())


def _attributes(
    where: str, item: Mapping[str, Any], text: str, dimensions: Sequence[Attribute]
) -> tuple[tuple[str, str], ...]:
    """What an item tells of each dimension; an empty field tells nothing. Raises UserError."""
    found = []
    for each in dimensions:
        if item.get(each.name) in (None, ""):
            continue
        value = " ".join(string(where, item, each.name).split())
        if not each.is_slot:
            known_label(where, value, each.values, f"value of {each.name}")
        elif value not in text:
            raise UserError(f"{where}: {each.name} must stand in the text, letter for letter; got {clip(value)}")
        found.append((each.name, value))
    return tuple(sorted(found))


def split_dev(
    examples: Sequence[Example], per_label: int, labels: Collection[str], kind: Kind = LABEL
) -> tuple[tuple[Example, ...], tuple[Example, ...]]:
    """(train, dev), each in the order given: `per_label` dev examples of each label that has twice as many.

    Which ones is decided by their content alone, so that a file's order does not matter. One that carries several
    labels counts for each.
    """
    held: set[str] = set()
    for label in labels:
        ids = sorted({example.id for example in examples if label in kind.names_of(example)})
        if len(ids) >= 2 * per_label:
            held.update([id for id in ids if id not in held][: max(0, per_label - len(held.intersection(ids)))])
    train = tuple(example for example in examples if example.id not in held)
    return train, tuple(example for example in examples if example.id in held)


def check_seeds(path: Path, examples: Sequence[Example], labels: Collection[str], kind: Kind = LABEL) -> list[str]:
    """A warning for each label without seeds. Raises UserError when fewer than two labels have any."""
    present = {name for example in examples for name in kind.names_of(example)}
    seeded = [label for label in labels if label in present]
    if not seeded:
        raise UserError(f"{path}: must hold seeds of two labels or more; got none")
    if len(seeded) == 1:
        raise UserError(f"{path}: must hold seeds of two labels or more; got only {seeded[0]!r}")
    bare = [label for label in labels if label not in present]
    return [f"{path}: no seeds for label {label!r}; its description alone guides it" for label in bare]
