"""A run's adapters, put where its engines find them."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from cluster.server_spec import ServerSpec
from cluster.spec import EngineSpec
from cluster.store import adapter_folder
from generation.adapters.folder import Adapter, place_adapter
from generation.location import Location, ObjectPath
from generation.models import cache_dir, model_hash
from training.folders import atomic_folder, is_whole, local_folder


def place_adapters(spec: EngineSpec | ServerSpec, root: Location) -> EngineSpec | ServerSpec:
    """Copy each adapter into the run directory, and merge the one that is to be merged; returns the spec to start.

    Raises UserError when an adapter has changed since it was read.
    """
    if isinstance(spec, ServerSpec):
        return spec
    for adapter in spec.adapters:
        _place(adapter, adapter_folder(root, adapter.id))
    if not spec.merged:
        return spec
    from generation.adapters.merge import merge_lora

    (adapter,) = spec.adapters
    lora = local_folder(adapter_folder(root, adapter.id))
    folder = merge_lora(adapter, lora, Path(spec.folder), spec.model_hash)
    return replace(spec, folder=str(folder), weights_hash=model_hash(folder))


def _place(adapter: Adapter, target: Location) -> None:
    if not isinstance(target, ObjectPath):
        place_adapter(adapter, target)
    elif not is_whole(target):
        copy = cache_dir() / "adapters" / adapter.id
        place_adapter(adapter, copy)
        with atomic_folder(target) as scratch:
            shutil.copytree(copy, scratch, dirs_exist_ok=True)
