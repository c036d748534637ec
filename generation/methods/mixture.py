"""The prompts of `prompted` after a mixture of soft prompts (Chen et al. 2023)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from generation.methods.base import Adapting
from generation.methods.prompted import Prompted


@dataclass(frozen=True)
class MixtureOfSoftPrompts(Prompted):
    """A mixture of soft prompts."""

    name: ClassVar[str] = "mixture"
    summary: ClassVar[str] = "an instruction prompt, and one mixed from those of task, label and attributes"
    paper: ClassVar[str] = "Chen et al. 2023"
    cost: ClassVar[str] = "training; its tokens in a prompt, computed anew for each prompt"
    adapting: ClassVar[Adapting | None] = "mixture"
    shared_adapter: ClassVar[bool] = True
