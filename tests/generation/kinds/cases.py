"""Hand-made seeds of a kind, written to a file and read again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from generation.errors import UserError
from generation.examples import read_examples
from generation.kinds.base import Kind, UnreadableError
from generation.task import Example, Label, Task

Item = Mapping[str, Any]


def write_items(folder: Path, items: Iterable[Item]) -> Path:
    path = folder / "seeds.jsonl"
    path.write_text("".join(json.dumps(item) + "\n" for item in items))
    return path


def read(folder: Path, kind: Kind, *items: Item) -> tuple[Example, ...]:
    return read_examples(write_items(folder, items), kind.labels, kind.name)


def mistake(folder: Path, kind: Kind, *items: Item) -> str:
    """What the user is told, without the folder."""
    with pytest.raises(UserError) as caught:
        read(folder, kind, *items)
    return str(caught.value).removeprefix(f"{folder}/seeds.jsonl ")


def reason(kind: Kind, written: str, target: str = "") -> str:
    """Why a written example cannot be read."""
    with pytest.raises(UnreadableError) as caught:
        kind.parse(written, target)
    return caught.value.reason


def make_task(labels: Mapping[str, str], seeds: Iterable[Example]) -> Task:
    made = tuple(Label(name=name, description=about) for name, about in labels.items())
    return Task("tiny", "Short notes.", made, tuple(seeds))
