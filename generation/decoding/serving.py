"""What engines of our own are given for a run's decoding controls: each costs something, so only where it is used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from generation.decoding.banned import SPELLINGS
from generation.settings import GenerationSettings

PENALTY = "penalty"  # its name in a request's `sampling`, and among vLLM's extra arguments
PROCESSOR = "generation.decoding.processor:CtrlPenalty"


@dataclass(frozen=True)
class Decoding:
    """Controls that a run uses: CTRL's penalty, and the strings that are banned."""

    penalised: bool = False
    banned: tuple[str, ...] = ()

    @classmethod
    def of(cls, settings: GenerationSettings) -> Decoding:
        return cls(settings.penalty > 1, settings.banned)

    def engine_args(self) -> dict[str, Any]:
        """Arguments of vLLM's AsyncEngineArgs."""
        return {"logits_processors": [PROCESSOR]} if self.penalised else {}

    def environment(self) -> dict[str, str]:
        """Environment of an engine."""
        wanted = {}
        if self.penalised:
            wanted["VLLM_USE_V2_MODEL_RUNNER"] = "0"  # our logits processor is one of the V1 model runner
        if self.banned:
            wanted["VLLM_MAX_NUM_BAD_WORDS"] = str(2 * SPELLINGS * len(self.banned))  # with and without a space before
        return wanted

    def params(self, sampling: Mapping[str, float]) -> dict[str, Any]:
        """Arguments of vLLM's SamplingParams for a request with that `sampling`."""
        return {"extra_args": {PENALTY: sampling[PENALTY]}} if PENALTY in sampling else {}


PLAIN = Decoding()
