"""Text from models and people, made safe to look at on a page or a terminal."""

from __future__ import annotations

import unicodedata

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_JOINERS = "\u200c\u200d"  # needed to spell Persian, Indic scripts and emoji


def visible(text: str, keep: str = "\n\t") -> str:
    """The text with every control, bidi, zero-width and surrogate character replaced by its name, as in ⟨U+202E⟩.

    Characters in `keep` stay as they are. Does not escape markup.
    """
    if text.isprintable():
        return text
    return "".join(_shown(character, keep) for character in text)


def _shown(character: str, keep: str) -> str:
    if character in keep or character in _JOINERS or unicodedata.category(character) not in _HIDDEN:
        return character
    return f"⟨U+{ord(character):04X}⟩"
