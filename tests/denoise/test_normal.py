from __future__ import annotations

import pytest

from denoise.normal import normalise_all


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("  Where's   MY card?! ", "wheres my card"),
        ("e-mail: a@b.org", "e mail a b org"),
        ("ＦＵＬＬ ﬁne", "full fine"),
        ("ÄRGER über Straße", "ärger über straße"),
        ("costs $5 😀", "costs $5 😀"),
        ("我的卡", "我 的 卡"),
        ("?!…", ""),
        ("", ""),
        (None, ""),
    ],
)
def test_normal_form(text: str | None, normal: str) -> None:
    assert normalise_all([text]) == [normal]


def test_normal_form_is_its_own_normal_form() -> None:
    once = normalise_all(["It's 5 o'clock — 我的卡!", "A\n\tB"])
    assert normalise_all(once) == once
