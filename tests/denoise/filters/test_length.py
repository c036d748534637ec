from __future__ import annotations

import pytest

from denoise.filters.length import Length
from tests.denoise.cases import draft


@pytest.mark.parametrize(
    ("text", "reason"),
    [("one", "too_short"), ("one - !", "too_short"), ("one two", None), ("a b c", None), ("a b c d", "too_long")],
)
def test_reasons(text: str, reason: str | None) -> None:
    assert Length(2, 3).reason(draft(text)) == reason
