from __future__ import annotations

import pytest

from denoise.filters.repetition import Repetition
from tests.denoise.cases import draft


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a b c a b c d", None),  # 1 of 5 trigrams repeats
        ("a b c a b c a b c", "repetitive"),  # 4 of 7
        ("no no no please stop", None),
        ("No, no! NO no please stop", "repetitive"),
        ("two words", None),
    ],
)
def test_reasons(text: str, reason: str | None) -> None:
    assert Repetition(0.3).reason(draft(text)) == reason


def test_the_largest_share_allowed_is_kept() -> None:
    assert Repetition(0.2).reason(draft("a b c a b c d")) is None
    assert Repetition(0.19).reason(draft("a b c a b c d")) == "repetitive"
