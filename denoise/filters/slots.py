"""Values that a text was asked to mention."""

from __future__ import annotations

from dataclasses import dataclass

from denoise.filters.base import Draft
from generation.attribute import SLOT


@dataclass(frozen=True)
class Slots:
    """`slot_missing`: the value of an attribute named `slot.…` does not stand in the text, letter for letter."""

    def reason(self, draft: Draft) -> str | None:
        values = [" ".join(value.split()) for name, value in draft.attributes.items() if name.startswith(SLOT)]
        return None if all(value in draft.text for value in values) else "slot_missing"
