"""A LoRA merged into its base model, for an engine that serves nothing else."""

from __future__ import annotations

import shutil
from pathlib import Path

from generation.adapters.folder import Adapter
from generation.folders import whole_folder
from generation.models import cache_dir
from generation.records import digest


def merge_lora(adapter: Adapter, folder: Path, model_folder: Path, model_hash: str) -> Path:
    """A model folder in the user's cache: the base model with the LoRA at `folder` added to its weights.

    Added in float32 and stored in the base model's own type; made once per adapter.
    """
    target = cache_dir() / "merged" / digest(model_hash, adapter.id)
    if (target / "config.json").is_file():
        return target
    with whole_folder(target) as scratch:
        _merge(folder, model_folder, scratch)
    return target


def _merge(folder: Path, model_folder: Path, target: Path) -> None:
    import torch
    from peft import PeftModel
    from transformers import AutoConfig, AutoModelForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()
    stored = AutoConfig.from_pretrained(model_folder).dtype or torch.bfloat16
    base = AutoModelForCausalLM.from_pretrained(model_folder, dtype=torch.float32)
    merged = PeftModel.from_pretrained(base, folder).merge_and_unload()
    merged.to(stored).save_pretrained(target)
    for path in model_folder.iterdir():  # the tokenizer and whatever else belongs to it
        if path.is_file() and not path.name.endswith((".safetensors", ".bin", ".index.json")):
            shutil.copyfile(path, target / path.name)
