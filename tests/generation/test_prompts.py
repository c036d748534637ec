"""What templates see, and the one line that each mistake in them gets."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from generation.errors import UserError
from generation.prompts import reads, render_chat, render_prompt
from tests.generation.cases import LOST, TASK


def test_a_template_sees_task_label_labels_and_exemplars() -> None:
    source = (
        "{{ task.name }}|{{ label.name | spaced }}|{{ labels | map(attribute='name') | join(',') }}|"
        "{{ exemplars | map(attribute='text') | join('/') }}\n"
    )
    rendered = render_prompt(source, TASK, LOST, TASK.seeds[:2])
    assert rendered == "desk|lost card|lost_card,opening_hours|I left my card on the bus/card\n gone"


def test_text_is_not_escaped_nor_read_as_a_template() -> None:
    task = TASK.__class__("t", "<b> & {{ 7 * 7 }}", TASK.labels, TASK.seeds)
    assert render_prompt("{{ task.description }}", task, LOST, []) == "<b> & {{ 7 * 7 }}"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a\n{% if %}", "my.j2 line 2: not a valid template: Expected an expression, got 'end of statement block'"),
        ("{{ nothing }}", "my.j2: cannot be rendered: 'nothing' is undefined"),
        ("{{ label.color }}", "my.j2: cannot be rendered: 'generation.task.Label object' has no attribute 'color'"),
        ("{{ raise_exception('no') }}", "my.j2: cannot be rendered: no"),
        ("{{ 1 / 0 }}", "my.j2: cannot be rendered: division by zero"),
        ("{{ task.label('x') }}", "my.j2: cannot be rendered: value was undefined because a callable"),
        ("{{ range(10 ** 9) | list }}", "my.j2: cannot be rendered: Range too big. The sandbox blocks ranges larger"),
        ("{{ exemplars.append(1) }}", "my.j2: cannot be rendered: access to attribute 'append' of 'list' object"),
        ("{{ task.__class__.__mro__ }}", "my.j2: cannot be rendered: access to attribute '__class__' of 'Task' object"),
    ],
)
def test_mistakes(source: str, expected: str) -> None:
    with pytest.raises(UserError) as caught:
        render_prompt(source, TASK, LOST, [], "my.j2")
    assert str(caught.value).startswith(expected)
    assert "\n" not in str(caught.value)


def test_chat_by_the_models_file(model: Path) -> None:
    assert render_chat(model, "Say {{ it }}") == "<s>[user] Say {{ it }}\n[assistant] "


def chat_model(folder: Path, **settings: object) -> Path:
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    return folder


def test_chat_by_the_tokenizers_settings(tmp_path: Path) -> None:
    folder = chat_model(tmp_path, chat_template="{{ bos_token }}{{ messages[0].content }}{{ eos_token }}")
    assert render_chat(folder, "hi") == "hi"


def test_the_file_goes_before_the_settings(model: Path, tmp_path: Path) -> None:
    shutil.copy(model / "chat_template.jinja", tmp_path)
    assert render_chat(chat_model(tmp_path, chat_template="x"), "hi") == "[user] hi\n[assistant] "


@pytest.mark.parametrize("settings", [{}, {"chat_template": [{"name": "default"}]}])
def test_a_model_without_a_chat_template(tmp_path: Path, settings: dict[str, object]) -> None:
    with pytest.raises(UserError) as caught:
        render_chat(chat_model(tmp_path, **settings), "hi")
    assert str(caught.value) == "generation.form: 'chat' needs a model with a chat template; use 'completion'"


def test_a_chat_template_that_refuses(tmp_path: Path) -> None:
    folder = chat_model(tmp_path, chat_template="{{ raise_exception('roles must alternate') }}")
    with pytest.raises(UserError) as caught:
        render_chat(folder, "hi")
    assert str(caught.value) == (
        "generation.form: the model's chat template cannot be rendered (roles must alternate); use 'completion'"
    )


def test_what_a_template_reads() -> None:
    assert reads("{% for other in others %}{{ other.seed.text }}{% endfor %}", "others")
    assert not reads("unlike the others: {{ label.name }}{# others #}", "others")
    assert not reads("{% if others %}", "others")  # broken
