"""What prompts share, so that an engine's prefix cache can hold it once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence

from generation.methods.base import Ask


def shared_begins(asks: Sequence[Ask]) -> dict[str, str]:
    """Prompt -> its shared part, of the prompts of one label.

    Prompts that differ in what attributes they ask for share what all of the same examples begin with; any other
    prompt is shared as a whole, by the requests that repeat it.
    """
    alike: defaultdict[tuple[str, ...], set[str]] = defaultdict(set)
    for ask in asks:
        if ask.attributes:
            alike[ask.seed_ids].add(ask.prompt)
    begins = {ask.prompt: ask.prompt for ask in asks}
    for prompts in alike.values():
        begins |= dict.fromkeys(prompts, common_begin(prompts))
    return begins


def common_begin(texts: Collection[str]) -> str:
    """What all texts begin with: as far as the first and the last in order agree."""
    first, last = min(texts), max(texts)
    return next((first[:at] for at, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), first)
