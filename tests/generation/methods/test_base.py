"""Which method, form and template are taken."""

from __future__ import annotations

from pathlib import Path

import pytest

from generation.errors import UserError
from generation.forms import FORMS
from generation.methods import METHODS, make_method
from tests.generation.cases import LOST, TASK


def test_every_method_in_every_form(model: Path) -> None:
    for name, kind in METHODS.items():
        assert kind.name == name
        for form, shape in FORMS.items():
            method = make_method(name, form, model)
            assert (type(method), type(method.form), method.form.name) == (kind, shape, form)
            assert method.source == kind.templates[form]
            assert kind.summary and kind.paper and kind.cost


def test_a_template_of_the_users(model: Path, tmp_path: Path) -> None:
    template = tmp_path / "mine.j2"
    template.write_text("{{ label.name }}: ä", encoding="utf-8")
    method = make_method("prompted", "completion", model, template)
    assert method.source == "{{ label.name }}: ä"
    assert method.prompt(TASK, LOST, []) == "lost_card: ä"
    template.write_text("{{ oops }}", encoding="utf-8")
    with pytest.raises(UserError) as caught:
        make_method("prompted", "completion", model, template).prompt(TASK, LOST, [])
    assert str(caught.value) == f"{template}: cannot be rendered: 'oops' is undefined"


def test_a_template_that_cannot_be_read(model: Path, tmp_path: Path) -> None:
    (tmp_path / "latin.j2").write_bytes(b"\xff")
    for name in ("none.j2", "latin.j2"):
        with pytest.raises(UserError, match=rf"^generation\.template: {tmp_path}/{name} cannot be read \(.+\)$"):
            make_method("prompted", "completion", model, tmp_path / name)
