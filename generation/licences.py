"""What licences say of texts that a model writes and of models that learn from them: a small table, no legal advice.

Names are SPDX identifiers, or those that model hubs use for licences that SPDX does not list.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

Verdict = Literal["open", "conditions", "forbids"]


class Terms(NamedTuple):
    """One licence: may its texts, or a model's texts, be passed on and learnt from? `note` says under what terms."""

    verdict: Verdict
    note: str = ""


_OPEN = Terms("open")
_NAMED = Terms("conditions", "name the authors")
_ALIKE = Terms("conditions", "name the authors; pass what is made from it on under the same licence")
_COPYLEFT = Terms("conditions", "copyleft: see what it says of what is made from it")
_USE = Terms("conditions", "restrictions of use go with all that is passed on")
_NO_MONEY = Terms("forbids", "no commercial use")
_OWN = Terms("open", "the task's owner wrote it")

_PERMISSIVE = "apache-2.0 mit mit-0 bsd-2-clause bsd-3-clause isc 0bsd zlib bsl-1.0 unlicense cc0-1.0 pddl-1.0"
_TERMS: dict[str, Terms] = {
    "own": _OWN,
    **dict.fromkeys(_PERMISSIVE.split(), _OPEN),
    **dict.fromkeys(["cc-by-3.0", "cc-by-4.0", "odc-by-1.0", "cdla-permissive-2.0"], _NAMED),
    **dict.fromkeys(["cc-by-sa-3.0", "cc-by-sa-4.0", "odbl-1.0"], _ALIKE),
    **dict.fromkeys(["gpl-2.0", "gpl-3.0", "lgpl-3.0", "agpl-3.0", "mpl-2.0", "eupl-1.2"], _COPYLEFT),
    **dict.fromkeys(
        ["openrail", "openrail++", "bigscience-openrail-m", "creativeml-openrail-m", "bigcode-openrail-m"], _USE
    ),
    **dict.fromkeys(
        ["llama3.1", "llama3.2", "llama3.3"],
        Terms("conditions", "models that learn from its texts must have Llama at the beginning of their name"),
    ),
    "gemma": Terms("conditions", "a model that learns from its texts counts as derived: its terms go with it"),
    **dict.fromkeys(
        ["llama2", "llama3"], Terms("forbids", "its texts must not improve language models other than Llama")
    ),
    **dict.fromkeys(
        ["openai", "openai-terms", "anthropic", "anthropic-terms"],
        Terms("forbids", "its texts must not train models that compete with the maker's"),
    ),
    **dict.fromkeys((f"cc-by-nc{kind}-{version}" for kind in ("", "-sa") for version in ("3.0", "4.0")), _NO_MONEY),
    **dict.fromkeys(
        (f"cc-by{kind}-nd-{version}" for kind in ("", "-nc") for version in ("3.0", "4.0")),
        Terms("forbids", "nothing that is made from it may be passed on"),
    ),
    **dict.fromkeys(["mrl", "mnpl"], Terms("forbids", "research and no commercial use")),
}
_SUFFIXES = ("-only", "-or-later")


def terms_of(licence: str) -> Terms | None:
    """What is known of a licence, in any case of letters; None: nothing."""
    name = licence.strip().lower()
    for suffix in _SUFFIXES:
        name = name.removesuffix(suffix)
    return _TERMS.get(name)
