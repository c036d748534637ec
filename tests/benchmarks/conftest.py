"""A tiny set on disk in the form of the real ones, and one split of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from yardstick.sets import RealSet, SetSpec, Split, draw_split, load_set

VERBS = ("open", "close", "paint", "lock", "clean", "repair", "move", "measure", "sell", "photograph", "varnish", "oil")
THINGS = {"door": "kitchen door", "window": "attic window"}


def row(label: str, text: str) -> dict[str, str]:
    return {"text": text, "label": label}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data" / "house"
    folder.mkdir(parents=True)
    train = [row(label, f"please {verb} the {thing}") for label, thing in THINGS.items() for verb in VERBS]
    train += [row("door", "please open the kitchen door"), row("roof", "the roof leaks")]
    test = [row("door", "Please OPEN the kitchen door!"), row("window", "who broke the window"), row("roof", "a tile")]
    for name, rows in (("train", train), ("test", test)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(each) + "\n" for each in rows))
    return tmp_path / "data"


@pytest.fixture
def house(data: Path) -> RealSet:
    spec = SetSpec("house", ("Orders to a caretaker.", "an order about the {words}"), ("door", "window"))
    return load_set("house", spec, data)


@pytest.fixture
def split(house: RealSet) -> Split:
    return draw_split(house, 3, 0)
