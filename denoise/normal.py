"""The normal form of a text: what is left when case, width, punctuation and spacing are ignored."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

_APOSTROPHES = "['’ʼ`]"
_SEPARATORS = r"[^\p{L}\p{M}\p{N}\p{So}\p{Sc}]+"
# scripts written without spaces: every sign stands as a word of its own
_SIGNS = r"([\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}])"


def normalise(texts: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Texts [n] as lower-case NFKC words with single spaces between; null and pure punctuation become ''.

    Letters, digits, emoji and currency signs are kept; apostrophes vanish ("don't" → "dont"), other punctuation
    separates words. A Chinese, Japanese or South-East Asian sign counts as a word.
    """
    if isinstance(texts, pa.ChunkedArray):
        texts = texts.combine_chunks()
    lowered = pc.utf8_lower(pc.utf8_normalize(pc.fill_null(texts, ""), form="NFKC"))
    joined = pc.replace_substring_regex(lowered, _APOSTROPHES, "")
    apart = pc.replace_substring_regex(joined, _SIGNS, r" \1 ")
    return pc.utf8_trim(pc.replace_substring_regex(apart, _SEPARATORS, " "), " ")


def normalise_all(texts: Sequence[str | None]) -> list[str]:
    """`normalise` for plain strings."""
    return normalise(pa.array(texts, pa.string())).to_pylist()
