"""Quotes around an answer, and which method and template are taken."""

from __future__ import annotations

from pathlib import Path

import pytest

from generation.errors import UserError
from generation.methods import METHODS, make_method
from generation.methods.base import strip_quotes
from generation.methods.chat import Chat
from generation.methods.completion import Completion
from tests.generation.cases import LOST, TASK


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


def test_every_method_by_name(model: Path) -> None:
    assert {name: type(make_method(name, model)) for name in METHODS} == {"completion": Completion, "chat": Chat}


def test_a_template_of_the_users(model: Path, tmp_path: Path) -> None:
    template = tmp_path / "mine.j2"
    template.write_text("{{ label.name }}: ä", encoding="utf-8")
    method = make_method("completion", model, template)
    assert method.source == "{{ label.name }}: ä"
    assert method.prompt(TASK, LOST, []) == "lost_card: ä"
    template.write_text("{{ oops }}", encoding="utf-8")
    with pytest.raises(UserError) as caught:
        make_method("completion", model, template).prompt(TASK, LOST, [])
    assert str(caught.value) == f"{template}: cannot be rendered: 'oops' is undefined"


def test_a_template_that_cannot_be_read(model: Path, tmp_path: Path) -> None:
    (tmp_path / "latin.j2").write_bytes(b"\xff")
    for name in ("none.j2", "latin.j2"):
        with pytest.raises(UserError, match=rf"^generation\.template: {tmp_path}/{name} cannot be read \(.+\)$"):
            make_method("completion", model, tmp_path / name)
