from __future__ import annotations

import pytest

from denoise.filters.characters import Characters
from tests.denoise.filters.cases import reasons


@pytest.mark.parametrize(
    "text",
    ["bad \ufffd sign", "nul\x00", "bell\x07", "Iraqâ\x80\x99s", "cafÃ©", "Itâ€™s", "private \ue000", "\u202eflipped"],
)
def test_broken(text: str) -> None:
    assert reasons(Characters(0.5), text) == ["broken_characters"]


@pytest.mark.parametrize(
    "text",
    ["café São Paulo Ãndú", "line\nbreak\ttab", "naïve “quotes” — dash…", "我的卡丢了", "👩‍👩‍👧 ok then", "£5", ""],
)
def test_whole(text: str) -> None:
    assert reasons(Characters(0.5), text) == [None]


def test_letters_are_most_of_a_text() -> None:
    assert reasons(Characters(0.5), "((((a))))", ">>> ???", "a, b. c!", "100 %") == [
        "few_letters",
        "few_letters",
        None,
        None,
    ]
    assert reasons(Characters(0), ">>> ???") == [None]


def test_other_scripts() -> None:
    rule = Characters(0.5, ("Latin", "Greek"))
    texts = ["моя карта", "my карта is lost", "my card, 10 µ wide", "naïve η", "42", "abcdefghi д"]
    assert reasons(rule, *texts) == ["other_script", "other_script", None, None, None, "other_script"]
    assert reasons(Characters(0.5), "моя карта") == [None]
