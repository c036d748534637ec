"""`labelmill init`: what it writes loads as it is and shows every setting."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from cluster.config import TaskConfig, load_config
from cluster.scaffold import init_task, schema_json, task_yaml
from generation.errors import UserError
from generation.examples import check_seeds, read_examples, split_dev


def test_the_new_task_loads_with_all_defaults(tmp_path: Path) -> None:
    written = init_task(tmp_path / "bikes")
    assert [path.name for path in written] == ["task.yaml", "seeds.jsonl", "task.schema.json"]
    config = load_config(written[0])
    required = {name: getattr(config, name) for name, field in TaskConfig.model_fields.items() if field.is_required()}
    assert set(required) == {"name", "description", "labels", "seeds"}
    assert config == TaskConfig(**required)
    assert config.name == "bikes"


def test_the_new_seeds_load(tmp_path: Path) -> None:
    config = load_config(init_task(tmp_path / "bikes")[0])
    names = [label.name for label in config.labels]
    seeds = read_examples(tmp_path / "bikes" / config.seeds, names)
    assert Counter(seed.label for seed in seeds) == {"repair": 5, "order": 5, "opening_hours": 5}
    assert check_seeds(tmp_path, seeds, names) == []
    train, dev = split_dev(seeds, 2, names)
    assert (len(train), len(dev)) == (9, 6)


def names(model: BaseModel) -> dict[str, Any]:
    return {
        name: names(getattr(model, name)) if isinstance(getattr(model, name), BaseModel) else None
        for name in type(model).model_fields
    }


def written_names(raw: dict[str, Any], model: BaseModel) -> dict[str, Any]:
    """The settings that stand in a file; what a group is, the model says."""
    values = {name: getattr(model, name, None) for name in raw}
    return {
        name: written_names(raw[name], value) if isinstance(value, BaseModel) else None
        for name, value in values.items()
    }


def groups_of(model: BaseModel) -> list[BaseModel]:
    inside = [value for value in dict(model).values() if isinstance(value, BaseModel)]
    return [model, *(group for value in inside for group in groups_of(value))]


def test_every_setting_stands_there_with_its_description() -> None:
    text = task_yaml("t")
    raw = yaml.safe_load(text)
    config = TaskConfig.model_validate(raw)
    assert written_names(raw, config) == names(config)
    fields = [field for group in groups_of(config) for field in type(group).model_fields.values()]
    assert all(f"# {field.description}" in text for field in fields if field.description)


def test_comments_name_the_values_allowed() -> None:
    lines = [line.strip() for line in task_yaml("t").splitlines()]
    assert lines[0] == "# yaml-language-server: $schema=task.schema.json"
    assert "rounds: 1  # >= 1" in lines
    assert "temperature: 1.0  # > 0, <= 3" in lines
    assert "form: completion  # plain completion or the chat template; completion or chat" in lines
    assert "token_budget: null  # most prompt + output tokens over the whole run; >= 1" in lines


def test_schema() -> None:
    schema = json.loads(schema_json())
    assert schema["title"] == "labelmill task"
    assert schema["required"] == ["name", "description", "labels", "seeds"]
    assert set(schema["properties"]) == set(TaskConfig.model_fields)
    assert schema["properties"]["quota"]["description"] == "accepted rows wanted per label and round"
    assert schema["$defs"]["GenerationSettings"]["properties"]["form"]["enum"] == ["completion", "chat"]
    assert schema["additionalProperties"] is False


def message(folder: Path) -> str:
    with pytest.raises(UserError) as caught:
        init_task(folder)
    return str(caught.value)


def test_what_is_there_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    assert message(tmp_path) == f"{tmp_path}: must be a new or an empty folder; it holds 'notes.txt'"
    assert message(tmp_path / "notes.txt") == f"{tmp_path / 'notes.txt'}: cannot be written (File exists)"
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
    (tmp_path / "empty").mkdir()
    assert len(init_task(tmp_path / "empty")) == 3


def test_a_folder_whose_name_no_task_may_have(tmp_path: Path) -> None:
    folder = tmp_path / "my task"
    pattern = "^[A-Za-z0-9][A-Za-z0-9_.-]*$"
    assert message(folder) == f"{folder}: the folder names the task and must match {pattern}; got 'my task'"
    assert not folder.exists()
