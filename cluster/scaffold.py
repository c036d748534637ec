"""`labelmill init`: a task to start from, written from the settings themselves so that it never goes stale."""

from __future__ import annotations

import json
import re
import textwrap
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from cluster.config import TaskConfig
from cluster.problems import section_of
from generation.errors import UserError

_SCHEMA = "task.schema.json"
_SEEDS = {
    "repair": (
        "My back brake squeals and I would like someone to look at it.",
        "The chain jumps off whenever I change gear, can you fix it this week?",
        "I bent my front wheel on a kerb, is it worth mending?",
        "How much do you charge for a full service of an old city bike?",
        "There is a slow puncture in the rear tyre that I cannot find.",
    ),
    "order": (
        "I ordered a helmet nine days ago and it has still not arrived.",
        "Can I change the colour of the frame I bought online yesterday?",
        "The parcel came without the lights that are on the invoice.",
        "Please cancel my order for the child seat and refund me.",
        "When will the blue touring bike be in stock again?",
    ),
    "opening_hours": (
        "Are you open on Sunday mornings?",
        "Until what time can I drop in today?",
        "Is the shop closed over the Easter weekend?",
        "Do you close for lunch on weekdays?",
        "How early can I come by on Saturday?",
    ),
}
_ABOUT = {
    "repair": "the writer wants a bicycle mended, serviced or looked at",
    "order": "the writer asks about goods: buying, delivery, exchange or refund",
    "opening_hours": "the writer asks when the shop is open",
}
_EXAMPLE: dict[str, Any] = {
    "description": "short messages that customers send to a bicycle shop",
    "labels": [{"name": name, "description": about} for name, about in _ABOUT.items()],
    "seeds": "seeds.jsonl",
}


def init_task(folder: Path) -> list[Path]:
    """Write task.yaml, seeds.jsonl and the editor's schema to a new or empty folder and return their paths.

    The task is named after the folder and loads as it is. Raises UserError when the folder holds something, is a
    file, cannot be written or has a name that no task may have.
    """
    name = folder.resolve().name
    pattern = next(rule.pattern for rule in TaskConfig.model_fields["name"].metadata if hasattr(rule, "pattern"))
    if not re.fullmatch(pattern, name):
        raise UserError(f"{folder}: the folder names the task and must match {pattern}; got {name!r}")
    rows = [{"text": text, "label": label} for label, texts in _SEEDS.items() for text in texts]
    seeds = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    files = {"task.yaml": task_yaml(name), "seeds.jsonl": seeds, _SCHEMA: schema_json()}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if held := sorted(path.name for path in folder.iterdir()):
            raise UserError(f"{folder}: must be a new or an empty folder; it holds {held[0]!r}")
        for file, text in files.items():
            (folder / file).write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise UserError(f"{folder}: cannot be written ({error.strerror})") from None
    return [folder / file for file in files]


def schema_json() -> str:
    """JSON Schema of task.yaml, for editors that complete and check it."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **TaskConfig.model_json_schema()}
    return json.dumps({**schema, "title": "labelmill task"}, indent=2, ensure_ascii=False) + "\n"


def task_yaml(name: str) -> str:
    """A task file with every setting, its default and what it means."""
    head = f"# yaml-language-server: $schema={_SCHEMA}\n# {TaskConfig.__doc__} Settings left out keep their default.\n"
    return head + _section(TaskConfig, {"name": name, **_EXAMPLE})


def _section(model: type[BaseModel], given: dict[str, Any]) -> str:
    lines: list[str] = []
    for name, field in model.model_fields.items():
        default = given.get(name, None if field.is_required() else field.get_default(call_default_factory=True))
        group = section_of(model, name) if isinstance(default, BaseModel) else None
        if group:
            about = (group.__doc__ or "").split("\n")[0]
            lines += ["", f"# {about}", f"{name}:", textwrap.indent(_section(group, {}), "  ").rstrip()]
        else:
            lines += _setting(name, default, _comment(field, model.model_json_schema()["properties"][name]))
    return "\n".join(lines) + "\n"


def _setting(name: str, value: Any, comment: str) -> list[str]:
    text = yaml.safe_dump({name: value}, sort_keys=False, allow_unicode=True, width=1000).rstrip()
    if "\n" in text:
        return ["", f"# {comment}", text, ""]
    return [f"{text}  # {comment}" if comment else text]


def _comment(field: FieldInfo, schema: dict[str, Any]) -> str:
    """A setting's description with the values it may take."""
    limits = [part for part in (_limits(option) for option in (schema, *schema.get("anyOf", []))) if part]
    return "; ".join([*([field.description] if field.description else []), *limits])


def _limits(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return " or ".join(str(each) for each in schema["enum"])
    signs = {"exclusiveMinimum": ">", "minimum": ">=", "exclusiveMaximum": "<", "maximum": "<="}
    return ", ".join(f"{sign} {schema[key]:.10g}" for key, sign in signs.items() if key in schema)
