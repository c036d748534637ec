"""The soft tokens that an adapter puts before a prompt: always the same, or mixed for each prompt."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from generation.adapters.folder import Adapter
from generation.adapters.mixture import base_embeddings, load_mixture
from generation.adapters.soft_prompt import load_soft_prompt

if TYPE_CHECKING:
    import torch

# from a prompt's tokens and the values to mix: [soft tokens, d]
SoftTokens = Callable[[Sequence[int], Sequence[str]], "torch.Tensor"]
REMEMBERED = 256  # prompts whose soft tokens are kept: exemplar sets are few and shared


def load_soft_tokens(adapter: Adapter, folder: Path, model_folder: Path, dtype: torch.dtype) -> SoftTokens:
    """What a soft prompt or a mixture puts before prompts, in the engine's own type. Raises UserError."""
    if adapter.kind == "soft_prompt":
        soft = load_soft_prompt(folder).to(dtype)
        return lambda tokens, values: soft
    return _Mixing(folder, model_folder, dtype)


class _Mixing:
    """A mixture beside an engine, on the CPU; it reads the base model's embeddings from its files."""

    def __init__(self, folder: Path, model_folder: Path, dtype: torch.dtype) -> None:
        self._mixture, self._embeddings, self._dtype = load_mixture(folder), base_embeddings(model_folder), dtype
        self._made: OrderedDict[tuple[tuple[int, ...], tuple[str, ...]], torch.Tensor] = OrderedDict()

    def __call__(self, tokens: Sequence[int], values: Sequence[str]) -> torch.Tensor:
        import torch

        key = tuple(tokens), tuple(values)
        if key not in self._made:
            with torch.inference_mode():
                text = self._embeddings[torch.tensor(key[0])]
                self._made[key] = self._mixture(values, text).to(self._dtype)
            if len(self._made) > REMEMBERED:
                self._made.popitem(last=False)
        return self._made[key]
