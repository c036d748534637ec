"""Strings that must not be written, as an engine is told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

NEVER = -100.0  # vLLM's lowest bias of a logit
SPELLINGS = 4


def spellings(banned: Sequence[str]) -> list[str]:
    """Each string as it is written, in lower and in upper case, and with a capital; each once, in that order."""
    return list(dict.fromkeys(each for text in banned for each in (text, text.lower(), text.upper(), _capital(text))))


def engine_bans(banned: Sequence[str], encode: Callable[[str], list[int]]) -> dict[str, Any]:
    """Arguments of vLLM's SamplingParams; `encode` gives a text's tokens without special ones.

    A spelling that is one token, at the start of a text or after a space, is ruled out by its bias, which costs nothing
    for each row. The rest is left to vLLM's `bad_words`, which tells token sequences apart and not texts: what is cut
    into tokens in another way, or has its capitals elsewhere, goes through, and a filter drops the row.
    """
    single: set[int] = set()
    several = []
    for spelling in spellings(banned):
        tokens = encode(spelling)
        single.update(each[0] for each in (tokens, encode(" " + spelling)) if len(each) == 1)
        if len(tokens) > 1:
            several.append(spelling)
    bans = {"logit_bias": {token: NEVER for token in sorted(single)}, "bad_words": several}
    return {name: value for name, value in bans.items() if value}


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:].lower()
