"""What a text is written in: broken signs, hardly any letters, letters of a script that nobody asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from denoise.filters.base import first_reasons

# decoding gone wrong: replacement, control, private, unassigned and order-overriding signs; UTF-8 read as Latin-1
_BROKEN = r"[\x{FFFD}\x{202D}\x{202E}\p{Co}\x00-\x08\x0B\x0C\x0E-\x1F\x7F-\x9F]|[ÃÂ][\x{80}-\x{BF}]|â€"
_NO_LETTER = r"[^\p{L}\p{M}\p{N}]"
_LETTER = r"\p{L}"
_STRANGE = 0.1  # share of a text's letters from which it is in another script: a "µ" or a name is not


@dataclass(frozen=True)
class Characters:
    """`broken_characters`; `few_letters`: less than `letters` of the signs, spaces aside, are letters or digits.

    `other_script`: a tenth or more of the letters are of none of `scripts` (Unicode names, none: any script will do).
    """

    letters: float
    scripts: tuple[str, ...] = ()

    def reasons(self, batch: pa.Table) -> pa.Array:
        texts = batch["text"].combine_chunks()
        shown = _length(pc.replace_substring_regex(texts, r"\s+", ""))
        few = pc.less(_length(pc.replace_substring_regex(texts, _NO_LETTER, "")), pc.multiply(shown, self.letters))
        found = [("broken_characters", pc.match_substring_regex(texts, _BROKEN)), ("few_letters", few)]
        if self.scripts:
            letters = pc.count_substring_regex(texts, _LETTER)
            own = pc.count_substring_regex(texts, script_pattern(self.scripts))
            strange = pc.subtract(letters, own)
            most = pc.multiply(letters, _STRANGE)
            found.append(("other_script", pc.and_(pc.greater(strange, 0), pc.greater_equal(strange, most))))
        return first_reasons(found)


def script_pattern(scripts: Sequence[str]) -> str:
    """RE2 pattern of a letter of one of the scripts; letters that all scripts share count as theirs."""
    return "[" + "".join(rf"\p{{{name}}}" for name in (*scripts, "Lm")) + "]"


def _length(texts: pa.Array) -> pa.Array:
    return pc.cast(pc.utf8_length(texts), pa.float64())
