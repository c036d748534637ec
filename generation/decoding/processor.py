"""CTRL's penalty as a logits processor of vLLM's V1 model runner; engines load it by name, nothing else imports it.

Requests ask for it with `extra_args={PENALTY: theta}`; others in the same batch are left alone. It works on whole
batches: vLLM's adapter for processors of single requests would call Python, and write to the logits, once a row.
"""

from __future__ import annotations

import torch
from vllm import SamplingParams
from vllm.config import VllmConfig
from vllm.v1.sample.logits_processor import BatchUpdate, LogitsProcessor, process_dict_updates

from generation.decoding.penalty import Row, penalise, seen
from generation.decoding.serving import PENALTY


class CtrlPenalty(LogitsProcessor):
    """Keeps the penalised rows of the batch by their places, as vLLM moves them."""

    def __init__(self, vllm_config: VllmConfig | None, device: torch.device, is_pin_memory: bool) -> None:
        self.rows: dict[int, Row] = {}

    def is_argmax_invariant(self) -> bool:
        """A seen token may fall behind another."""
        return False

    def update_state(self, batch_update: BatchUpdate | None) -> None:
        """Rows that were added, removed or moved before a step."""
        process_dict_updates(self.rows, batch_update, _row)

    def apply(self, logits: torch.Tensor) -> torch.Tensor:
        """Penalise in place."""
        if not self.rows:
            return logits
        for row in self.rows.values():  # only now does vLLM know the last tokens
            row.catch_up()
        return penalise(logits, *(each.to(logits.device, non_blocking=True) for each in seen(self.rows)))


def _row(params: SamplingParams, prompt: list[int] | None, output: list[int]) -> Row | None:
    theta = (params.extra_args or {}).get(PENALTY)
    return None if theta is None else Row(theta, output)
