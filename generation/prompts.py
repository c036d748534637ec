"""Prompt templates: sandboxed Jinja over the task, a label and its exemplars."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NoReturn

import jinja2
from jinja2.meta import find_undeclared_variables
from jinja2.sandbox import ImmutableSandboxedEnvironment

from generation.errors import UserError
from generation.task import Example, Label, Task

NOTHING: Mapping[str, object] = MappingProxyType({})


def render_prompt(
    source: str,
    task: Task,
    label: Label,
    exemplars: Sequence[Example],
    name: str = "template",
    more: Mapping[str, object] = NOTHING,
) -> str:
    """The prompt text; a template sees `task`, `label`, `labels`, `exemplars` and `more`. Raises UserError."""
    try:
        template = _environment().from_string(source)
        return template.render(task=task, label=label, labels=task.labels, exemplars=list(exemplars), **more)
    except jinja2.TemplateSyntaxError as error:
        raise UserError(f"{name} line {error.lineno}: not a valid template: {error.message}") from None
    except Exception as error:  # a template is the user's program: whatever it raises is for its writer to mend
        raise UserError(f"{name}: cannot be rendered: {error or type(error).__name__}") from None


def reads(source: str, name: str) -> bool:
    """Whether a template reads what it is given under this name; a broken one reads nothing."""
    try:
        return name in find_undeclared_variables(_environment().parse(source))
    except jinja2.TemplateSyntaxError:
        return False


def render_chat(model_folder: Path, message: str) -> str:
    """One user message in the model's own chat format, ready for its answer. Raises UserError without one."""
    settings = json.loads((model_folder / "tokenizer_config.json").read_text())
    template_file = model_folder / "chat_template.jinja"
    source = template_file.read_text() if template_file.is_file() else settings.get("chat_template")
    if not isinstance(source, str):
        raise UserError("generation.form: 'chat' needs a model with a chat template; use 'completion'")
    specials = {key: _token(settings.get(key)) for key in ("bos_token", "eos_token")}
    try:
        template = _environment(trim_blocks=True, lstrip_blocks=True).from_string(source)
        return template.render(messages=[{"role": "user", "content": message}], add_generation_prompt=True, **specials)
    except jinja2.TemplateError as error:
        raise UserError(
            f"generation.form: the model's chat template cannot be rendered ({error}); use 'completion'"
        ) from None


def end_of_turn(model_folder: Path) -> str:
    """The token with which a chat model ends its answer."""
    return _token(json.loads((model_folder / "tokenizer_config.json").read_text()).get("eos_token"))


def _environment(**options: Any) -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        undefined=jinja2.StrictUndefined, keep_trailing_newline=False, **options
    )
    environment.filters["spaced"] = lambda name: str(name).replace("_", " ")
    environment.globals["raise_exception"] = _refuse
    return environment


def _refuse(message: str) -> NoReturn:
    raise jinja2.TemplateError(message)


def _token(value: Any) -> str:
    return value.get("content", "") if isinstance(value, dict) else value or ""
