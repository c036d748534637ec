"""Texts that nobody has looked at, as prompts may hold them."""

from __future__ import annotations

import json

MOST_CHARACTERS = 2000  # of a text that a prompt shows: the rest could push the labels out of an LM's context
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
