"""What the benchmark has to know of a tool without importing it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Setting:
    """MinHash of lower-cased shingles of `width` words: `bands` of `rows` minima.

    A pair counts from a Jaccard similarity of `threshold` on, where the tool compares pairs that share a band; 0: it
    is not to, sharing one suffices.
    """

    width: int
    bands: int
    rows: int
    threshold: float

    @property
    def title(self) -> str:
        verified = f", J ≥ {self.threshold:g}" if self.threshold else ""
        return f"{'single words' if self.width == 1 else f'{self.width} words'}, {self.bands}×{self.rows}{verified}"

    def shingles(self, text: str) -> set[str]:
        """A text shorter than a shingle is one; punctuation is no part of words."""
        words = WORD.findall(text.lower())
        return {" ".join(words[at : at + self.width]) for at in range(max(1, len(words) - self.width + 1))}

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


BIGRAMS = Setting(2, 16, 8, 0.0)
LOOSE_BIGRAMS = Setting(2, 25, 5, 0.5)
WORDS = Setting(1, 25, 6, 0.65)  # those of `labelmill dedup`


@dataclass(frozen=True)
class Peer:
    """`requirements` are pinned, for pip; none: it is this project. `python` is a minor version that it needs.

    `settings` are those that it has; none: it finds equal texts alone.
    """

    requirements: tuple[str, ...] = ()
    settings: tuple[Setting, ...] = ()
    python: str | None = None

    @property
    def is_ours(self) -> bool:
        return not self.requirements

    def contenders(self, name: str) -> Iterable[tuple[str, Setting | None]]:
        """What it is called in the table, once for each setting."""
        if not self.settings:
            yield name, None
        for setting in self.settings:
            yield f"{name}; {setting.title}", setting
