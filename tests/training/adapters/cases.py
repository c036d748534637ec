"""A tiny causal LM with a real tokenizer, and a job on three topics: small enough to train in a second."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from tokenizers.decoders import ByteLevel as Bytes
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel
from tokenizers.processors import TemplateProcessing
from tokenizers.trainers import BpeTrainer
from transformers import AutoModelForCausalLM

from generation.methods import make_method
from generation.models import model_hash
from generation.task import Example, Label, Task
from tests.generation.adapters.cases import make_lm
from tests.training.cases import LABELS, SEEDS, UNSEEN
from training.adapters.job import AdapterJob
from training.adapters.settings import AdapterSettings
from training.adapters.trainer import AdapterTrainer
from training.causal_lm import CausalLM

MIXERS = ("concat", "pooling", "attention", "bottleneck", "cnn")
TOKENS = 400
DESCRIPTIONS = ("asks what the sky will do", "asks for a song", "asks what to cook or eat")
TASK = Task(
    name="desk",
    description="Requests to an assistant.",
    labels=tuple(Label(name=name, description=text) for name, text in zip(LABELS, DESCRIPTIONS, strict=True)),
    seeds=tuple(Example(text, label) for text, label in SEEDS),
)
# few, quick and large steps
SETTINGS: dict[str, Any] = {
    "rank": 4,
    "tokens": 3,
    "instruction_tokens": 2,
    "epochs": 12,
    "lora_rate": 0.02,
    "prompt_rate": 0.1,
    "network_rate": 0.01,
    "held_out": 0.0,
}


def make_scribe(folder: Path, hidden: int = 32, seed: int = 0) -> Path:
    """The Llama of tests/generation with a byte-level BPE, which has tokens for line breaks and adds its own first."""
    make_lm(folder, hidden, seed, TOKENS)
    tokenizer = Tokenizer(BPE())
    tokenizer.pre_tokenizer, tokenizer.decoder = ByteLevel(add_prefix_space=False), Bytes()
    trainer = BpeTrainer(
        vocab_size=TOKENS,
        special_tokens=["<s>", "</s>"],
        initial_alphabet=ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([f" {text}\n\n {text}\n" for text, _ in SEEDS + UNSEEN], trainer)
    tokenizer.post_processor = TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 0)])
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


def make_job(
    model: Path, output: Path, method: str = "control_codes", form: str = "completion", **more: Any
) -> AdapterJob:
    """A job on the seeds with two exemplars; `more` are settings, or the job's own fields."""
    fields = {name: more.pop(name) for name in ("task", "exemplars", "rows") if name in more}
    return AdapterJob(
        **{"task": TASK, "exemplars": 2, **fields},
        method=make_method(method, form, model),
        model_folder=model,
        model_hash=model_hash(model),
        settings=AdapterSettings(**SETTINGS | more),
        output=output,
    )


def plain_lm(folder: Path) -> CausalLM:
    """The model in float32, whatever the hardware has."""
    return CausalLM(AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32))


def trained(job: AdapterJob) -> AdapterTrainer:
    """The job's trainer at its end; nothing is written."""
    trainer = AdapterTrainer(job)
    while not trainer.finished:
        trainer.step()
    return trainer


def parameters(trainer: AdapterTrainer) -> dict[str, torch.Tensor]:
    return {name: value.detach().clone() for name, value in trainer.adaptation.named_parameters()}


def alone(lm: CausalLM, prompt: Sequence[int], answer: Sequence[int], soft: torch.Tensor | None = None) -> torch.Tensor:
    """Logprobs of an answer's tokens after a prompt, by the model as transformers runs it."""
    tokens = torch.tensor([*prompt, *answer])
    embeds = lm.embeddings(tokens)
    if soft is not None:
        embeds = torch.cat([soft, embeds])
    logprobs = lm.model(inputs_embeds=embeds[None]).logits[0].log_softmax(-1)
    return logprobs[-len(answer) - 1 : -1].gather(1, tokens[-len(answer) :, None])[:, 0]
