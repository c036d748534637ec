"""Text that a chat assistant says about its answer, in place of the answer, or with gaps left to fill in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from denoise.filters.base import first_reasons

# RE2 patterns, without lookaround. What people say to each other ("I'm sorry, but I can't find my card") must pass.
_AI = r"(?:ai|artificial intelligence|(?:large )?language model|(?:ai|virtual|digital) assistant|chat ?bot)"
_CANNOT = r"(?:can ?not|can['’]?t|am unable to|['’]m unable to|am not able to|won['’]t|will not)"
_HELPING = r"(?:assist|help|comply|fulfil|provide|generate|create|write|produce|engage|continue with)"
_ASKED = r"(?:with |in |to |any |such |this |that |your )*(?:this|that|such|request|content|text|example|information)"
_WRITTEN = r"(?:example|text|message|sentence|question|request|response|answer|version|list|sample)"
_SAYS = r"(?:is|would be|belongs|falls|shows|expresses|illustrates|fits|demonstrates|reflects)"
_GAPS = (
    r"your|insert|enter|add|first|last|full|user|customer|company|product|item|brand|order|account|phone|email|e-mail"
    r"|city|country|location|address|date|time|day|month|year|number|amount|price|name|title|link|url|reason|something"
)

_REFUSALS = (
    rf"\bas an? {_AI}\b",
    rf"\bi(?: am|['’]m) (?:just |only )?an? {_AI}\b",
    rf"\bi(?: am|['’]m) (?:really |very |so )?sorry,? (?:but )?i ?{_CANNOT} {_HELPING}\b",
    rf"\bi ?{_CANNOT} (?:help you|{_HELPING}) {_ASKED}\b",
    r"\bi do(?: not|n['’]t) have (?:personal|the ability to|access to real|real-time|feelings|opinions|a physical)",
    r"\b(?:my|the) (?:training data|knowledge cut-?off)\b",
    r"\bit (?:is|would be) (?:not appropriate|inappropriate|unethical) (?:for me )?to\b",
)
_PHRASES = (
    rf"^\W*here (?:is|are) (?:an?|the|some|your|\d+|another|more) .*{_WRITTEN}s?\b",
    r"^\W*here (?:is|are) (?:an?|the|some|your|\d+)\b.*:\s*$",
    r"^\W*(?:sure(?: thing)?|certainly|absolutely|of course|great question|definitely)\s*[,!.:]",
    r"\bhope (?:this|that) (?:helps|is helpful)\b",
    r"\blet me know if you(?:['’]d| would)? (?:need|have|like|want) (?:any |some )?"
    r"(?:other|more|further|another|additional|me to|adjustments|questions)\b",
    r"\bfeel free to (?:ask|reach out|contact|let me know|adjust|modify|customi[sz]e)\b",
    r"\bi(?:['’]d| would) be (?:happy|glad) to (?:help|assist)\b",
    rf"\b(?:this|the (?:above|following)) {_WRITTEN} {_SAYS}\b",
    r"\bnote that this is (?:just )?an? (?:example|sample|fictional|hypothetical)\b",
)
_PLACEHOLDERS = (
    rf"\[\s*(?:{_GAPS}|xyz|x+)\b[^\]]{{0,40}}\]",
    r"[<{]\s*(?:your|insert|enter)\b[^>}]{0,40}[>}]",
    r"[<{]\s*(?:name|first_?name|last_?name|company|product|date|order_?number|city|location)\s*[>}]",
    r"\bx{4,}\b",
    r"_{4,}",
    r"\blorem ipsum\b",
)


def _any_of(patterns: Sequence[str]) -> str:
    return "(?im)" + "|".join(f"(?:{pattern})" for pattern in patterns)


@dataclass(frozen=True)
class Boilerplate:
    """`refusal`: the LM declines, or says that it is one. `assistant_phrase`: it talks around the text. `placeholder`:
    a gap like [Name], ____ or XXXX, or filler like lorem ipsum."""

    def reasons(self, batch: pa.Table) -> pa.Array:
        kinds = {"refusal": _REFUSALS, "assistant_phrase": _PHRASES, "placeholder": _PLACEHOLDERS}
        found = ((name, pc.match_substring_regex(batch["text"], _any_of(kind))) for name, kind in kinds.items())
        return first_reasons(found)
