"""The prompts of `prompted` to the LM with one LoRA; labels in them are control codes (Keskar et al. 2019)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from generation.methods.base import Adapting
from generation.methods.prompted import Prompted


@dataclass(frozen=True)
class ControlCodes(Prompted):
    """One LoRA for all labels."""

    name: ClassVar[str] = "control_codes"
    summary: ClassVar[str] = "one LoRA for all labels, which stand in the prompt as control codes"
    paper: ClassVar[str] = "Keskar et al. 2019; Hu et al. 2021"
    cost: ClassVar[str] = "training; a slower engine on a CPU unless `runtime.merge_lora`"
    adapting: ClassVar[Adapting | None] = "lora"
    shared_adapter: ClassVar[bool] = True
