"""What engines of our own are given for a run's decoding controls: each costs something, so only where it is used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from generation.decoding.banned import SPELLINGS
from generation.settings import GenerationSettings

PENALTY = "penalty"  # its name in a request's `sampling`, and among vLLM's extra arguments
PROCESSOR = "generation.decoding.processor:CtrlPenalty"


@dataclass(frozen=True)
class Decoding:
    """Controls that a run uses: CTRL's penalty, banned strings, and answers that keep to a schema."""

    penalised: bool = False
    banned: tuple[str, ...] = ()
    structured: bool = False

    @classmethod
    def of(cls, settings: GenerationSettings) -> Decoding:
        return cls(settings.penalty > 1, settings.banned, settings.output == "json")

    def engine_args(self) -> dict[str, Any]:
        """Arguments of vLLM's AsyncEngineArgs."""
        args: dict[str, Any] = {}
        if self.penalised:
            args["logits_processors"] = [PROCESSOR]
        if self.structured:  # white space between a JSON object's parts would be tokens for nothing, and line breaks
            args["structured_outputs_config"] = {"backend": "xgrammar", "disable_any_whitespace": True}
        return args

    def environment(self) -> dict[str, str]:
        """Environment of an engine."""
        wanted = {}
        if self.penalised:
            wanted["VLLM_USE_V2_MODEL_RUNNER"] = "0"  # our logits processor is one of the V1 model runner
        if self.banned:
            wanted["VLLM_MAX_NUM_BAD_WORDS"] = str(2 * SPELLINGS * len(self.banned))  # with and without a space before
        return wanted

    def params(
        self,
        sampling: Mapping[str, float],
        schema: Mapping[str, Any] | None = None,
        choices: Sequence[str] = (),
    ) -> dict[str, Any]:
        """Arguments of vLLM's SamplingParams for a request with that `sampling` whose answer keeps to `schema`.

        With `choices` it is one of those, whatever the schema.
        """
        params: dict[str, Any] = {}
        if PENALTY in sampling:
            params["extra_args"] = {PENALTY: sampling[PENALTY]}
        if schema is not None or choices:
            from vllm.sampling_params import StructuredOutputsParams

            params["structured_outputs"] = (
                StructuredOutputsParams(choice=list(choices))
                if choices
                else StructuredOutputsParams(json=dict(schema or {}))
            )
        return params


PLAIN = Decoding()
