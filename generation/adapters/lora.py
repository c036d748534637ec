"""LoRA (Hu et al. 2021) in PEFT's layout, and what of it vLLM can serve."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from generation.adapters.weights import read_shapes
from generation.errors import UserError, clip
from generation.models import read_object

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
FILES = (CONFIG, WEIGHTS)
RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)  # vLLM's choices for the rank that an engine has room for

_PREFIX = "base_model.model."
_PICKLES = ("adapter_model.bin", "adapter_model.pt")
# what must be off, with why it is refused; vLLM has no such layers
_OFF = {
    "use_dora": "DoRA",
    "lora_bias": "a bias in LoRA layers",
    "modules_to_save": "whole modules beside LoRA",
    "trainable_token_indices": "trained token embeddings",
    "alora_invocation_tokens": "activated LoRA",
    "layer_replication": "replicated layers",
    "use_qalora": "QALoRA",
    "use_bdlora": "block-diagonal LoRA",
}
# initialisations that change the base model's own weights
_FOREIGN_INITS = ("pissa", "olora", "corda", "loftq")
_NOT_LINEAR = ("embed_tokens", "lm_head", "wte", "word_embeddings", "embed_in", "embed_out")


def check_lora(folder: Path) -> int:
    """The largest rank in a LoRA's folder. Raises UserError for what vLLM cannot serve, or serves wrongly."""
    for name in _PICKLES:
        if (folder / name).is_file() and not (folder / WEIGHTS).is_file():
            raise UserError(f"{folder / name}: pickled weights are never loaded; save the adapter as safetensors")
    path = folder / CONFIG
    config = read_object(path)
    if config.get("peft_type") != "LORA":
        raise UserError(f"{path}: peft_type: must be 'LORA'; got {clip(config.get('peft_type'))}")
    for key, what in _OFF.items():
        if config.get(key):
            raise UserError(f"{path}: {key}: {what} cannot be served; got {clip(config[key])}")
    if config.get("bias", "none") != "none":
        raise UserError(f"{path}: bias: must be 'none'; got {clip(config['bias'])}")
    init = str(config.get("init_lora_weights", True)).lower()
    if init.startswith(_FOREIGN_INITS):
        raise UserError(f"{path}: init_lora_weights: {init!r} changes the base model; convert it to plain LoRA")
    modules = lora_modules(folder)
    if not modules:
        raise UserError(f"{folder / WEIGHTS}: must hold matrices A and B of LoRA; got no tensors")
    for module in sorted({name.rpartition(".")[2] for name in modules}):
        if module in _NOT_LINEAR:
            raise UserError(f"{path}: target_modules: must be linear layers inside the model; got {module!r}")
    return _largest_rank(path, config)


def lora_modules(folder: Path) -> dict[str, dict[str, tuple[int, ...]]]:
    """Shapes of the matrices "A" [rank, in] and "B" [out, rank] of each module of the base model."""
    path = folder / WEIGHTS
    modules: dict[str, dict[str, tuple[int, ...]]] = {}
    for name, shape in read_shapes(path).items():
        module, separator, rest = name.removeprefix(_PREFIX).partition(".lora_")
        if not separator or rest.split(".")[0] not in ("A", "B", "embedding_A", "embedding_B"):
            raise UserError(f"{path}: tensors must be matrices A and B of LoRA; got {clip(name)}")
        modules.setdefault(module, {})[rest.split(".")[0].removeprefix("embedding_")] = shape
    return modules


def check_shapes(folder: Path, base: Mapping[str, tuple[int, ...]]) -> None:
    """Each pair of matrices must fit the base model's own. Raises UserError.

    Modules that the base model's files do not name are left to the proof: some models rename theirs when loaded.
    """
    for module, pair in lora_modules(folder).items():
        weight = base.get(f"{module}.weight")
        if weight is None:
            continue
        fits = pair.keys() == {"A", "B"} and pair["A"][0] == pair["B"][-1]
        if not fits or sorted((pair["B"][0], pair["A"][-1])) != sorted(weight):
            got = ", ".join(f"{name} {list(shape)}" for name, shape in sorted(pair.items()))
            raise UserError(f"{folder / WEIGHTS}: {module}: must fit the base model's {list(weight)}; got {got}")


def engine_rank(rank: int) -> int | None:
    """The least of vLLM's ranks that has room for `rank`; None when none has."""
    return next((each for each in RANKS if each >= rank), None)


def _largest_rank(path: Path, config: Mapping[str, Any]) -> int:
    ranks = [config.get("r"), *(config.get("rank_pattern") or {}).values()]
    for rank in ranks:
        if not isinstance(rank, int) or not 1 <= rank <= RANKS[-1]:
            raise UserError(f"{path}: r: ranks must be from 1 to {RANKS[-1]}; got {clip(rank)}")
    return max(ranks)
