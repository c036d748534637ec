"""Token counts without loading a model."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from generation.errors import UserError

if TYPE_CHECKING:
    from tokenizers import Tokenizer


def count_tokens(model_folder: Path, texts: Sequence[str]) -> list[int]:
    """Tokens of each text under the model's tokenizer, its special tokens included. Raises UserError."""
    return [len(encoding.ids) for encoding in _tokenizer(model_folder).encode_batch(list(texts))]


@functools.lru_cache(maxsize=4)
def _tokenizer(model_folder: Path) -> Tokenizer:
    from tokenizers import Tokenizer

    file = model_folder / "tokenizer.json"
    try:
        tokenizer = Tokenizer.from_file(str(file))
    except Exception as error:  # the library has no class of its own for a bad or missing file
        raise UserError(f"model: {file} must be a tokenizer; {' '.join(str(error).split())}") from None
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer
