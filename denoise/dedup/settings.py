"""What makes two texts duplicates."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

from generation.errors import UserError

BANDS = 25
_CAUGHT = 0.85  # least probability that a pair just at the threshold shares a band
_MOST_ROWS = 16
PAIR_MEMORY = 4_000_000_000  # bytes that deciding may take of the driver, by estimate
KERNEL = 1  # raise it whenever normal form, hashes or shingles change: indexes of other kernels are refused


@dataclass(frozen=True)
class DedupSettings:
    """How texts are compared: by runs of 1 to `ngram` words, or of `ngram` characters; duplicates from `threshold` on.

    The threshold is a Jaccard similarity. Raises UserError.
    """

    shingle: Literal["words", "characters"] = "words"
    ngram: int = 1
    threshold: float = 0.65

    def __post_init__(self) -> None:
        if self.shingle not in ("words", "characters"):
            raise UserError(f"--shingle: must be words or characters; got {self.shingle!r}")
        if not 1 <= self.ngram <= 16:
            raise UserError(f"--ngram: must lie between 1 and 16; got {self.ngram}")
        if not 0 < self.threshold <= 1:
            raise UserError(f"--threshold: must be above 0 and at most 1; got {self.threshold:g}")

    @property
    def rows(self) -> int:
        """MinHash values in a band: as many as leave a pair just at the threshold a fair chance to be compared."""
        if self.threshold == 1:
            return _MOST_ROWS
        share = 1 - (1 - _CAUGHT) ** (1 / BANDS)
        return max(1, min(_MOST_ROWS, int(math.log(share) / math.log(self.threshold))))

    def caught(self, jaccard: float) -> float:
        """Probability that a pair of this similarity shares a band, and so is compared."""
        return 1 - (1 - jaccard**self.rows) ** BANDS

    def identity(self) -> dict[str, Any]:
        """What an index must have been made with, to be compared with: the threshold does not matter."""
        return {"kernel": KERNEL, "shingle": self.shingle, "ngram": self.ngram}
