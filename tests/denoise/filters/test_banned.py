from __future__ import annotations

import pytest

from denoise.filters.banned import Banned
from tests.denoise.cases import draft


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("my CAT, who ran", "banned"),
        ("ｃａｔ", "banned"),
        ("catalogue of concatenation", None),
        ("written in c++17", "banned"),
        ("Of  course\nnot", "banned"),
        ("of courses", None),
        ("a.b", None),
        ("a*b", "banned"),
    ],
)
def test_whole_words_in_any_case(text: str, reason: str | None) -> None:
    assert Banned.of(["cat", "C++", "of course", "a*b"]).reason(draft(text)) == reason
