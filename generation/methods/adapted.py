"""Methods that train the LM first: the same prompts as `prompted`, asked of the LM with an adapter."""

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


@dataclass(frozen=True)
class LabelLora(Prompted):
    """A LoRA for each label."""

    name: ClassVar[str] = "lora"
    summary: ClassVar[str] = "a LoRA for each label"
    paper: ClassVar[str] = "Hu et al. 2021"
    cost: ClassVar[str] = "training; an engine holds `runtime.max_loras` of them at once"
    adapting: ClassVar[Adapting | None] = "lora"


@dataclass(frozen=True)
class SoftPrompt(Prompted):
    """A soft prompt for each label."""

    name: ClassVar[str] = "soft_prompts"
    summary: ClassVar[str] = "a soft prompt for each label, before the prompt's own tokens"
    paper: ClassVar[str] = "Lester et al. 2021; Li & Liang 2021"
    cost: ClassVar[str] = "training; `adapt.tokens` more tokens in a prompt"
    adapting: ClassVar[Adapting | None] = "soft_prompt"


@dataclass(frozen=True)
class MixtureOfSoftPrompts(Prompted):
    """A mixture of soft prompts."""

    name: ClassVar[str] = "mixture"
    summary: ClassVar[str] = "an instruction prompt, and one mixed from those of task, label and attributes"
    paper: ClassVar[str] = "Chen et al. 2023"
    cost: ClassVar[str] = "training; its tokens in a prompt, computed anew for each prompt"
    adapting: ClassVar[Adapting | None] = "mixture"
    shared_adapter: ClassVar[bool] = True
