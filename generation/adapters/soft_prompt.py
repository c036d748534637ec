"""Soft prompts (Lester et al. 2021): trained embeddings that stand before the prompt's own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from generation.adapters.weights import read_shapes
from generation.errors import UserError

if TYPE_CHECKING:
    import torch

TENSOR, WEIGHTS = "soft_prompt", "soft_prompt.safetensors"
FILES = (WEIGHTS,)


def check_soft_prompt(folder: Path) -> tuple[int, int]:
    """Tokens and hidden size of a soft prompt. Raises UserError."""
    shapes = read_shapes(folder / WEIGHTS)
    if list(shapes) != [TENSOR] or len(shapes[TENSOR]) != 2 or not all(shapes[TENSOR]):
        got = {name: list(shape) for name, shape in shapes.items()}
        raise UserError(f"{folder / WEIGHTS}: must hold one tensor, {TENSOR!r} [tokens, hidden size]; got {got}")
    tokens, hidden = shapes[TENSOR]
    return tokens, hidden


def load_soft_prompt(folder: Path) -> torch.Tensor:
    """The embeddings, [tokens, hidden size]."""
    from safetensors.torch import load_file

    return load_file(folder / WEIGHTS)[TENSOR]


def save_soft_prompt(folder: Path, embeddings: torch.Tensor) -> None:
    """Put embeddings of [tokens, hidden size] into a folder; seal it afterwards."""
    from safetensors.torch import save_file

    save_file({TENSOR: embeddings.detach().cpu().contiguous()}, folder / WEIGHTS)
