"""The prompts of `prompted`, asked of the LM with a LoRA of the label (Hu et al. 2021)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from generation.methods.base import Adapting
from generation.methods.prompted import Prompted


@dataclass(frozen=True)
class LabelLora(Prompted):
    """A LoRA for each label."""

    name: ClassVar[str] = "lora"
    summary: ClassVar[str] = "a LoRA for each label"
    paper: ClassVar[str] = "Hu et al. 2021"
    cost: ClassVar[str] = "training; an engine holds `runtime.max_loras` of them at once"
    adapting: ClassVar[Adapting | None] = "lora"
