"""Which attribute values each request asks for (AttrPrompt, Yu et al. 2023)."""

from __future__ import annotations

import random
from collections.abc import Mapping

from generation.attribute import Attribute
from generation.material import Material
from generation.records import digest
from generation.task import Label, Task


def combination(material: Material, label: Label, turn: int) -> dict[str, str]:
    """Dimension -> value for a label's request number `turn` of a wave; empty without attributes.

    Each dimension goes through its deck, which has each value once unless `material.decks` says otherwise, in an order
    drawn anew each time.
    """
    drawn_from = (material.identity, material.round_, material.wave, label.name)
    return {each.name: _value(each, material.decks, turn, drawn_from) for each in material.task.attributes}


def phrases(task: Task, values: Mapping[str, str]) -> dict[str, str]:
    """Dimension -> what the LM is told of its value."""
    return {each.name: each.ask_for(values[each.name]) for each in task.attributes if each.name in values}


def longest_phrases(task: Task) -> dict[str, str]:
    """The longest of each dimension, for the longest prompt that a plan can hold."""
    return {each.name: max(map(each.ask_for, each.values), key=len) for each in task.attributes}


def _value(
    attribute: Attribute, decks: Mapping[str, Mapping[str, int]], turn: int, drawn_from: tuple[object, ...]
) -> str:
    cards = decks.get(attribute.name, {})
    deck = [value for value in attribute.values for _ in range(cards.get(value, 1))]
    cycle, place = divmod(turn, len(deck))
    draw = random.Random(digest(*drawn_from, attribute.name, cycle))
    return draw.sample(deck, len(deck))[place]
