"""A run's adapters, put where its engines find them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from cluster.server_spec import ServerSpec
from cluster.spec import EngineSpec
from cluster.store import adapter_folder
from generation.adapters.folder import place_adapter
from generation.models import model_hash


def place_adapters(spec: EngineSpec | ServerSpec, root: Path) -> EngineSpec | ServerSpec:
    """Copy each adapter into the run directory, and merge the one that is to be merged; returns the spec to start.

    Raises UserError when an adapter has changed since it was read.
    """
    if isinstance(spec, ServerSpec):
        return spec
    for adapter in spec.adapters:
        place_adapter(adapter, adapter_folder(root, adapter.id))
    if not spec.merged:
        return spec
    from generation.adapters.merge import merge_lora

    (adapter,) = spec.adapters
    folder = merge_lora(adapter, adapter_folder(root, adapter.id), Path(spec.folder), spec.model_hash)
    return replace(spec, folder=str(folder), weights_hash=model_hash(folder))
