"""Token counts without loading a model."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tokenizers import Tokenizer


def count_tokens(model_folder: Path, texts: Sequence[str]) -> list[int]:
    """Tokens of each text under the model's tokenizer, its special tokens included."""
    return [len(encoding.ids) for encoding in _tokenizer(model_folder).encode_batch(list(texts))]


@functools.lru_cache(maxsize=4)
def _tokenizer(model_folder: Path) -> Tokenizer:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(model_folder / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer
