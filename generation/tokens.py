"""Token counts without loading a model."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from generation.errors import UserError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

BLOCK = 32  # tokens in a block of the engine's prefix cache: the least on CPUs, and a multiple of the GPUs' 16
BYTES_PER_TOKEN = 4  # in English
TEMPLATE_TOKENS = 128  # more than the chat templates in use write around a message


def count_tokens(model_folder: Path | None, texts: Sequence[str]) -> list[int]:
    """Tokens of each text under the model's tokenizer, its special tokens included. Raises UserError.

    Without a folder (a model on a server) it is a guess: a token for every four bytes, as in English.
    """
    if model_folder is None:
        return [-(-len(text.encode()) // BYTES_PER_TOKEN) for text in texts]
    return [len(tokens) for tokens in encode_texts(model_folder, texts)]


def most_tokens(model_folder: Path | None, texts: Sequence[str]) -> list[int]:
    """The most tokens that each text can be as a prompt. Raises UserError.

    With a tokenizer that is their number. Without one it is a bound: no token is shorter than a byte, and a server's
    chat template adds no more than TEMPLATE_TOKENS.
    """
    if model_folder is None:
        return [len(text.encode()) + TEMPLATE_TOKENS for text in texts]
    return count_tokens(model_folder, texts)


def encode_texts(model_folder: Path, texts: Sequence[str]) -> list[list[int]]:
    """Token ids of each text, special tokens included. Raises UserError."""
    return [encoding.ids for encoding in _tokenizer(model_folder).encode_batch(list(texts))]


def encode_spans(model_folder: Path, texts: Sequence[str], specials: bool) -> list[tuple[list[int], list[int]]]:
    """Token ids of each text, and the character in it at which each token ends. Raises UserError."""
    encoded = _tokenizer(model_folder).encode_batch(list(texts), add_special_tokens=specials)
    return [(each.ids, [end for _, end in each.offsets]) for each in encoded]


def block_padding(length: int, rows: int) -> int:
    """Tokens to put before a prompt of `length` so that all of it but its last token fills whole blocks.

    Only whole blocks are shared: each of the `rows` answers to a prompt computes its last token and what stands in a
    block begun anew. 0 where padding costs more than it saves.
    """
    padding, begun = (1 - length) % BLOCK, (length - 1) % BLOCK
    return padding if padding < (rows - 1) * begun else 0


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
