"""Adapters that the user brings: read and checked before anything is started."""

from __future__ import annotations

from pathlib import Path

from cluster.config import TaskConfig
from generation.adapters.folder import Adapter, check_base, read_adapter
from generation.adapters.mixture import check_values, values_of
from generation.errors import UserError


def read_adapters(
    path: Path, config: TaskConfig, labels: list[str], model_folder: Path | None, base: str
) -> dict[str, Adapter]:
    """The adapter of each of `labels` that has one, checked against the base model and the engines' room."""
    if model_folder is None:
        if config.generation.adapters:
            raise UserError(f"{path}: generation.adapters: must be empty with server.url: a server has its own")
        return {}
    read: dict[str, Adapter] = {}
    adapters: dict[str, Adapter] = {}
    for label in labels:
        if (name := config.generation.adapter_of(label)) is None:
            continue
        folder = path.parent / Path(name).expanduser()
        if name not in read:
            read[name] = read_adapter(folder)
            check_base(folder, model_folder, base)
        adapters[label] = read[name]
        if read[name].kind == "mixture":
            asked = [{each.name: value} for each in config.dimensions for value in each.values]
            check_values(folder, [name for values in ({}, *asked) for name in values_of(label, values)])
        if (room := config.runtime.max_lora_rank) is not None and read[name].rank > room:
            raise UserError(
                f"{path}: runtime.max_lora_rank: must be at least {read[name].rank}, the rank of {folder}; got {room}"
            )
    return adapters
