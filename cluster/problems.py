"""What is wrong with a task file, in one line that names the field, the rule and the value."""

from __future__ import annotations

import difflib
import re
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from generation.errors import clip

_RULES = {"model_type": "must be a mapping", "tuple_type": "must be a list", "int_from_float": "must be a whole number"}


def first_problem(error: ValidationError, model: type[BaseModel]) -> str:
    """The first problem of a validation of `model`, with the nearest valid name for a misspelt key."""
    problem = error.errors()[0]
    location = problem["loc"]
    field = ".".join(str(step) for step in location) or "task"
    match problem["type"]:
        case "extra_forbidden":
            return f"{field}: unknown setting{_nearest(location, model)}"
        case "missing":
            return f"{field}: is required"
        case "value_error":  # written in this project; it names its value itself
            return f"{field}: {problem['msg'].removeprefix('Value error, ')}"
        case "too_short":
            return f"{field}: must have at least {problem['ctx']['min_length']}; got {problem['ctx']['actual_length']}"
    rule = _RULES.get(problem["type"]) or re.sub(r"^(Input|String) should ", "must ", problem["msg"])
    return f"{field}: {rule[:1].lower()}{rule[1:]}; got {clip(problem['input'])}"


def _nearest(location: tuple[int | str, ...], model: type[BaseModel]) -> str:
    """The hint for a misspelt key: the closest valid name, else all names of that group."""
    for step in location[:-1]:
        if isinstance(step, str):
            model = section_of(model, step) or model
    names = list(model.model_fields)
    close = difflib.get_close_matches(str(location[-1]), names, n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; known are {', '.join(names)}"


def section_of(model: type[BaseModel], field: str) -> type[BaseModel] | None:
    """The model of a group of settings (or of a list's items); None for a plain setting."""
    annotation = model.model_fields[field].annotation
    for candidate in (annotation, *getattr(annotation, "__args__", ())):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None


class UniqueKeyLoader(yaml.SafeLoader):
    """Safe YAML in which a key given twice is a mistake, not a silent choice of the last."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                raise yaml.MarkedYAMLError(problem=f"{key.value!r} is given twice", problem_mark=key.start_mark)
            seen.add(str(key.value))
        return super().construct_mapping(node, deep)


def yaml_problem(error: Exception, text: str) -> tuple[int | None, str]:
    """The line (from 1) and the mistake, on one line, of an error that PyYAML raised on `text`."""
    if isinstance(error, yaml.reader.ReaderError):
        return text.count("\n", 0, error.position) + 1, f"character U+{error.character:04X} is not allowed"
    if isinstance(error, RecursionError):
        return None, "nested too deeply"
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error)
    return (mark.line + 1 if mark else None), " ".join(problem.split())
