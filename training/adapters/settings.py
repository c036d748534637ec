"""Settings of adapters."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from generation.adapters.mixture import MixerName
from generation.settings import Settings


class AdapterSettings(Settings):
    """How the LM is adapted, where `generation.method` is one that trains."""

    rank: int = Field(16, ge=1, le=512, description="of LoRA matrices")
    tokens: int = Field(20, ge=1, le=256, description="of a soft prompt")
    instruction_tokens: int = Field(40, ge=0, le=256, description="of a mixture's instruction prompt")
    reparameterise: bool = Field(False, description="train soft prompts through prefix-tuning's network")
    mixer: MixerName = Field("attention", description="how a mixture's prompts become one")
    epochs: int = Field(20, ge=1, description="most passes over the seeds")
    lora_rate: float = Field(5e-4, gt=0, lt=1, description="peak learning rate of LoRA matrices")
    prompt_rate: float = Field(0.1, gt=0, le=10, description="of soft prompts, in units of a typical embedding's entry")
    network_rate: float = Field(1e-3, gt=0, lt=1, description="of mixers and of prefix-tuning's network")
    discriminative: float = Field(
        0.0, ge=0, description="how much more tokens count that tell the label from others; 0: all alike"
    )
    contrast: float = Field(0.0, ge=0, description="weight of a loss that sets the own label against some others")
    generated: float = Field(
        0.5,
        ge=0,
        lt=1,
        description="most share of rows that nobody has checked in what a label's adapter learns from",
    )
    held_out: float = Field(0.25, ge=0, lt=1, description="share of each label's seeds that decide when to stop")
    evaluate_every: int = Field(5, ge=1, description="training steps between looks at the held-out seeds")
    patience: int = Field(3, ge=1, description="looks clearly worse than the best before training stops")
    four_bit: bool = Field(False, description="load the base model in 4 bits to train; needs a GPU and bitsandbytes")
    shard: Literal["auto", "always", "never"] = Field(
        "auto", description="cut the base model up among runtime.workers; auto: where it takes a third of a device"
    )
    seed: int = Field(0, ge=0, lt=2**31)

    @model_validator(mode="after")
    def _four_bits_are_not_cut_up(self) -> Self:
        if self.four_bit and self.shard == "always":
            raise ValueError("shard must be auto or never with four_bit, which keeps the model whole; got 'always'")
        return self
