"""The prompts of `prompted` after a soft prompt of the label (Lester et al. 2021; Li & Liang 2021)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from generation.methods.base import Adapting
from generation.methods.prompted import Prompted


@dataclass(frozen=True)
class SoftPrompt(Prompted):
    """A soft prompt for each label."""

    name: ClassVar[str] = "soft_prompts"
    summary: ClassVar[str] = "a soft prompt for each label, before the prompt's own tokens"
    paper: ClassVar[str] = "Lester et al. 2021; Li & Liang 2021"
    cost: ClassVar[str] = "training; `adapt.tokens` more tokens in a prompt"
    adapting: ClassVar[Adapting | None] = "soft_prompt"
