"""One label a text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from generation.kinds.base import Kind


@dataclass(frozen=True)
class LabelKind(Kind):
    """Columns `text` and `label`."""

    name: ClassVar[str] = "label"
    may_borrow: ClassVar[bool] = True


LABEL = LabelKind()
