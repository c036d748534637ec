"""Tiny models and adapters with random weights: everything real but the size."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig
from safetensors.torch import load_file, save_file
from transformers import LlamaConfig, LlamaForCausalLM

from generation.adapters.folder import file_hashes
from generation.adapters.lora import WEIGHTS
from generation.adapters.manifest import NAME, Manifest
from generation.adapters.mixing import Mixture
from generation.adapters.mixture import MixtureShape, save_mixture
from generation.adapters.seal import seal_adapter, write_manifest
from generation.adapters.soft_prompt import save_soft_prompt
from generation.adapters.weights import model_shapes
from tests.generation.cases import make_model

HIDDEN, VOCABULARY = 32, 64


@dataclass(frozen=True)
class Sealed:
    """A base model and one good adapter of each kind."""

    model: Path
    lora: Path
    soft: Path


def make_sealed(root: Path) -> Sealed:
    model = make_lm(root / "model")
    lora = make_lora(root / "lora", model)
    soft = make_soft_prompt(root / "soft", torch.randn(5, HIDDEN, generator=torch.Generator().manual_seed(1)))
    for folder in (lora, soft):
        seal_adapter(folder, model)
    return Sealed(model, lora, soft)


def make_lm(folder: Path, hidden: int = HIDDEN, seed: int = 0, vocabulary: int = VOCABULARY) -> Path:
    """A Llama of two layers, with the tokenizer of tests/generation/cases.py."""
    make_model(folder)
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=hidden,
        intermediate_size=2 * hidden,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=4096,
        initializer_range=0.3,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


def make_lora(folder: Path, model_folder: Path, scale: float = 0.3, rank: int = 8) -> Path:
    """A LoRA of all linear layers with random matrices, as PEFT would save it; one of `scale` 0 does nothing."""
    LoraConfig(r=rank, target_modules="all-linear", task_type="CAUSAL_LM", inference_mode=True).save_pretrained(folder)
    draw = torch.Generator().manual_seed(7)
    weights = {}
    for name, shape in sorted(model_shapes(model_folder).items()):
        if name.endswith("_proj.weight"):
            module = f"base_model.model.{name.removesuffix('.weight')}"
            weights[f"{module}.lora_A.weight"] = torch.randn(rank, shape[1], generator=draw) * 0.05
            weights[f"{module}.lora_B.weight"] = torch.randn(shape[0], rank, generator=draw) * scale
    save_file(weights, folder / WEIGHTS)
    return folder


def make_soft_prompt(folder: Path, embeddings: torch.Tensor) -> Path:
    folder.mkdir(parents=True)
    save_soft_prompt(folder, embeddings)
    return folder


def make_mixture(
    folder: Path,
    table: torch.Tensor,
    instruction: Sequence[int],
    words: Mapping[str, Sequence[int]],
    mixer: str = "concat",
) -> Path:
    """A mixture whose prompts are rows of the base model's own embeddings: an instruction, and some of each value."""
    prompts = torch.stack([table[torch.tensor(ids)] for ids in words.values()])
    mixture = Mixture(MixtureShape(mixer, tuple(words), len(instruction), prompts.shape[1], prompts.shape[2]))
    with torch.no_grad():
        mixture.instruction.copy_(table[torch.tensor(instruction)])
        mixture.prompts.copy_(prompts)
    folder.mkdir(parents=True)
    save_mixture(folder, mixture)
    return folder


def copy_of(folder: Path, target: Path) -> Path:
    shutil.copytree(folder, target)
    return target


def edit_json(path: Path, **changes: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def reseal(folder: Path, **changes: Any) -> None:
    """Make the manifest fit files that were changed after sealing, and say what it did not: a forgery."""
    manifest = Manifest.model_validate_json((folder / NAME).read_bytes())
    files = {"files": file_hashes(folder, manifest.kind)}
    write_manifest(folder, manifest.model_copy(update=files | changes))


def scale_matrices(folder: Path, factor: float, names: Sequence[str] = ("lora_B",)) -> None:
    """Change a LoRA's weights in place."""
    weights = load_file(folder / WEIGHTS)
    save_file(
        {name: tensor * (factor if any(part in name for part in names) else 1) for name, tensor in weights.items()},
        folder / WEIGHTS,
    )
