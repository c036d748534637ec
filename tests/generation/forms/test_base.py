"""Quotes around an answer."""

from __future__ import annotations

import pytest

from generation.forms.base import strip_quotes


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('"Where is it?"', "Where is it?"),
        ("“Where is it?”", "Where is it?"),
        ("'Where is it?'", "Where is it?"),
        (' " padded " ', "padded"),
        ("a\tb\n c", "a b c"),
        ('"one" and "two"', '"one" and "two"'),
        ("'it's mine'", "'it's mine'"),
        ('""twice""', '""twice""'),
        ('"open', '"open'),
        ('""', '""'),
        ('"', '"'),
        ("", ""),
        ("  ", ""),
    ],
)
def test_strip_quotes(text: str, expected: str) -> None:
    assert strip_quotes(text) == expected
