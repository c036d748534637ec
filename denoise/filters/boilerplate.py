"""Text that a chat assistant says about its answer, in place of the answer, or with gaps left to fill in."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from denoise.filters.base import first_reasons

# RE2, which knows no lookaround. What people say to each other ("I'm sorry, but I can't find my card") must pass.
_REFUSAL = r"""(?i)
\bas an? (?:ai|artificial intelligence|(?:large )?language model|(?:ai|virtual|digital) assistant)\b
\bi(?: am|['’]m) (?:just |only )?an? (?:ai|artificial intelligence|(?:large )?language model|chat ?bot)\b
\bi(?: am|['’]m) (?:really |very |so )?sorry,? (?:but )?i (?:can ?not|can['’]?t|am unable to|['’]m unable to|won['’]t) (?:assist|help|comply|fulfil|provide|generate|create|write|produce|continue with|engage)
\bi (?:can ?not|can['’]t|am unable to|am not able to|won['’]t|will not) (?:assist|help you|comply|fulfil|engage|generate|provide|create|produce) (?:with |in |such |any |this |that )*(?:this|that|such|any|request|content|text|example|information)
\bi do(?: not|n['’]t) have (?:personal|the ability to|access to real|real-time|feelings|opinions|a physical)
\b(?:my|the) (?:training data|knowledge cut-?off)\b
\bit (?:is|would be) (?:not appropriate|inappropriate|unethical) (?:for me )?to\b
"""
_ASSISTANT = r"""(?i)
^\W*here (?:is|are) (?:an?|the|some|your|\d+|another|more) .*(?:example|text|message|sentence|question|request|response|answer|version|list|sample)s?\b
^\W*here (?:is|are) (?:an?|the|some|your|\d+)\b.*:\s*$
^\W*(?:sure(?: thing)?|certainly|absolutely|of course|great question|definitely)\s*[,!.:]
\b(?:i )?hope (?:this|that) (?:helps|is helpful)\b
\blet me know if you(?:['’]d| would)? (?:need|have|like|want) (?:any |some )?(?:other|more|further|another|additional|me to|adjustments|questions)\b
\bfeel free to (?:ask|reach out|contact|let me know|adjust|modify|customi[sz]e)\b
\bi(?:['’]d| would) be (?:happy|glad) to (?:help|assist)\b
\b(?:this|the (?:above|following)) (?:text|example|sentence|message|statement|question) (?:is|would be|belongs|falls|shows|expresses|illustrates|fits|demonstrates|reflects)\b
\bnote that this is (?:just )?an? (?:example|sample|fictional|hypothetical)\b
"""
_PLACEHOLDER = r"""
(?i)\[\s*(?:your|insert|enter|add|first|last|full|user|customer|company|product|item|brand|order|account|phone|email|e-mail|city|country|location|address|date|time|day|month|year|number|amount|price|name|title|link|url|reason|something|xyz|x+)\b[^\]]{0,40}\]
(?i)[<{]\s*(?:your|insert|enter)\b[^>}]{0,40}[>}]
(?i)[<{]\s*(?:name|first_?name|last_?name|company|product|date|order_?number|city|location)\s*[>}]
\b[Xx]{4,}\b
_{4,}
(?i)\blorem ipsum\b
"""


def _any_of(patterns: str) -> str:
    """One alternative a line; a leading (?i) holds for all lines after it in RE2, so each stands in a group."""
    lines = [line for line in patterns.splitlines() if line]
    flag = lines.pop(0) if lines[0] == "(?i)" else ""
    return flag + "(?m)" + "|".join(f"(?:{line})" for line in lines)


_REFUSALS, _ASSISTANTS, _PLACEHOLDERS = map(_any_of, (_REFUSAL, _ASSISTANT, _PLACEHOLDER))


@dataclass(frozen=True)
class Boilerplate:
    """`refusal`: the LM declines, or says that it is one. `assistant_phrase`: it talks around the text. `placeholder`:
    a gap like [Name], ____ or XXXX, or filler like lorem ipsum."""

    def reasons(self, batch: pa.Table) -> pa.Array:
        texts = batch["text"].combine_chunks()
        return first_reasons(
            (name, pc.match_substring_regex(texts, pattern))
            for name, pattern in (
                ("refusal", _REFUSALS),
                ("assistant_phrase", _ASSISTANTS),
                ("placeholder", _PLACEHOLDERS),
            )
        )
