"""What makes a run the run that it is: all settings that decide its rows, by content."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from cluster.config import EXTENDABLE, IDENTITY, RUNTIME, TaskConfig
from generation.adapters.folder import Adapter
from generation.kinds.base import Kind
from generation.methods.base import Method
from generation.records import digest
from generation.settings import GenerationSettings
from generation.task import Example


def identity_of(
    config: TaskConfig,
    generation: GenerationSettings,
    kind: Kind,
    seeds: tuple[Example, ...],
    model: str,
    encoder: str,
    method: Method,
    adapters: Mapping[str, Adapter],
) -> dict[str, Any]:
    """All identity settings, flat: `group.field` -> value. Paths are replaced by hashes of what they hold."""
    settings = config.model_dump(mode="json", exclude=set(EXTENDABLE | RUNTIME | {"seeds"}))
    settings["model"] = model
    del settings["denoise"]["bias"]  # what is told of rows changes none of them
    if kind.name != "tags":
        del settings["denoise"]["least_span"]  # there are no spans
    settings["student"]["model"] = encoder
    del settings["student"]["shard"]  # where it lies while it is trained, not what is learnt
    settings["generation"] = generation.model_dump(mode="json")
    if config.server.url:
        settings["server"] = {"extra": json.dumps(config.server.extra, sort_keys=True)}  # whole: null is a value
    if method.adapting is None:
        del settings["adapt"]
    else:
        del settings["adapt"]["shard"]  # where the model lies, not what is learnt
    settings["generation"]["template"] = hashlib.sha256(method.source.encode()).hexdigest()[:16]
    settings["generation"]["adapters"] = {label: adapter.id for label, adapter in adapters.items()}
    labels = settings.pop("labels")
    flat = dict(_flatten(settings))
    flat |= {f"labels.{label['name']}.{key}": value for label in labels for key, value in label.items()}
    flat["labels"] = [label["name"] for label in labels]
    # order does not matter: a sorted seed file is the same task
    told = ([seed.label or "", kind.write(seed), *map(list, seed.attributes)] for seed in seeds)
    flat["seeds"] = digest(sorted(told))
    return flat


def differing(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What two identities differ in, sorted. A setting that `before` knows nothing of was as it is by default."""
    defaults = _defaults()
    old = {field: defaults[field] for field in now if field not in before and field in defaults} | dict(before)
    return [field for field in sorted(old.keys() | now.keys()) if old.get(field) != now.get(field)]


def _defaults() -> dict[str, Any]:
    """The identity's settings that need not stand in a task file, flat, at their defaults."""
    fields = {name: TaskConfig.model_fields[name].default for name in IDENTITY}
    return dict(_flatten({name: _plain(value) for name, value in fields.items() if value is not PydanticUndefined}))


def _plain(value: Any) -> Any:
    return value.model_dump(mode="json") if isinstance(value, BaseModel) else value


def _flatten(settings: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    pairs: list[tuple[str, Any]] = []
    for key, value in settings.items():
        pairs += _flatten(value, f"{prefix}{key}.") if isinstance(value, dict) else [(f"{prefix}{key}", value)]
    return pairs
