"""A frozen causal LM: the logprobs of the tokens that laid-out documents ask for, with soft tokens before them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from transformers import AutoModelForCausalLM, PreTrainedModel
from transformers.utils import logging

from training.branching import ROW, Document, Layout, lay_out
from training.device import CPU, dtype_of
from training.sharding import shard

logging.disable_progress_bar()  # models of a second's loading, in every worker
BATCH = 4 * ROW  # tokens computed together when nothing is trained


class CausalLM:
    """A base model whose own weights never change; `model` is the Hugging Face model."""

    def __init__(self, model: PreTrainedModel, is_sharded: bool = False) -> None:
        self.model, self.is_sharded = model.eval().requires_grad_(False), is_sharded
        self.device: torch.device = model.get_input_embeddings().weight.device

    @classmethod
    def load(
        cls,
        folder: Path,
        device: torch.device = CPU,
        four_bit: bool = False,
        sharded: bool = False,
        dtype: torch.dtype | None = None,
    ) -> CausalLM:
        """A Hugging Face folder (safetensors, no remote code), in bf16 where the hardware has it, else in float32.

        `four_bit` stores the weights as NF4 (Dettmers et al. 2023, QLoRA): on a GPU with bitsandbytes only.
        `sharded` cuts it up among all ranks. Weights that lie in their file in the type that is computed in are mapped,
        so that the workers of a machine read one copy of them, and keep their own parts only.
        """
        options: dict[str, object] = {"dtype": dtype or dtype_of(device)}
        if four_bit:
            from transformers import BitsAndBytesConfig

            options["quantization_config"] = BitsAndBytesConfig(
                load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.bfloat16
            )
            options["device_map"] = {"": device}
        model = AutoModelForCausalLM.from_pretrained(folder, use_safetensors=True, **options)
        if sharded:
            return cls(shard(model.requires_grad_(False), device, "adapt.shard"), is_sharded=True)
        return cls(model if four_bit else model.to(device))

    @property
    def embeddings(self) -> nn.Embedding:
        """The input embeddings, [vocabulary, d]."""
        return self.model.get_input_embeddings()

    @property
    def hidden_size(self) -> int:
        return self.embeddings.embedding_dim

    def logprobs(self, layout: Layout, soft: Tensor | None = None) -> Tensor:
        """The logprob of each target, float32 [m]; `soft` [s, d] are the soft tokens of all documents."""
        embeds = self.embeddings(layout.input_ids)
        if soft is not None and len(layout.soft):
            flat = embeds.flatten(0, 1).index_put((layout.soft,), soft.to(embeds.dtype))
            embeds = flat.view_as(embeds)
        base = getattr(self.model, self.model.base_model_prefix)
        hidden = base(
            inputs_embeds=embeds, position_ids=layout.position_ids, attention_mask=layout.mask, use_cache=False
        ).last_hidden_state
        # only what is predicted goes through the vocabulary, a fifth of a small model's work
        logits = self.model.get_output_embeddings()(hidden.flatten(0, 1)[layout.predictors])
        return -cross_entropy(logits.float(), layout.targets, reduction="none")

    def batches(self, documents: Sequence[Document]) -> Iterator[tuple[list[Document], Layout]]:
        """The documents, a few rows' worth at a time, laid out on the model's device."""
        left = list(documents)
        while left:
            count, tokens = 0, 0
            while count < len(left) and (not count or tokens + len(left[count]) <= BATCH):
                tokens += len(left[count])
                count += 1
            chosen, left = left[:count], left[count:]
            yield chosen, self.lay_out(chosen)

    def lay_out(self, documents: Sequence[Document]) -> Layout:
        """The documents laid out on the model's device."""
        return lay_out(documents).to(self.device)


def per_text(values: Tensor, layout: Layout, texts: int) -> tuple[Tensor, Tensor]:
    """Sums and counts over the targets of each text, both float32 [texts]."""
    zeros = torch.zeros(texts, device=values.device)
    sums = zeros.index_add(0, layout.texts, values)
    return sums, zeros.index_add(0, layout.texts, torch.ones_like(values))
