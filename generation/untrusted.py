"""Texts that nobody has looked at, as prompts may hold them."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

MOST_CHARACTERS = 2000  # of a text that a prompt shows: the rest could push the labels out of an LM's context
_WORD = re.compile(r"[^\W_]+")
# what special tokens and tags are written with: <|im_end|>, </s>, [INST], {{ }}
_ESCAPED = {ord(sign): f"\\u{ord(sign):04x}" for sign in "<>[]{}|\x7f\u0085\u2028\u2029"}


def delimited(text: str) -> str:
    """A text between quotation marks on one line: a JSON string, of which no part ends it or is a special token.

    Runs of white space become one space, and texts over MOST_CHARACTERS are cut.
    """
    short = " ".join(text.split())
    if len(short) > MOST_CHARACTERS:
        short = short[:MOST_CHARACTERS].rstrip() + " …"
    return json.dumps(short, ensure_ascii=False).translate(_ESCAPED)


def names_label(text: str, labels: Sequence[str]) -> bool:
    """Whether a text holds a label's name, in any case and however its words are joined.

    What it says may then be what an LM is to say; it may also just be about that.
    """
    words = _words(text)
    return any(name in words for label in labels if (name := _words(label)) != "  ")


def _words(text: str) -> str:
    """Its words in lower case, with a space before and after each."""
    return f" {' '.join(_WORD.findall(text.lower()))} "
