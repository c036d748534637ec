"""A run's adapters: trained for its method, and put where its engines find them."""

from __future__ import annotations

import math
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from cluster.job import Job
from cluster.server_spec import ServerSpec
from cluster.spec import EngineSpec
from cluster.store import adapter_folder
from generation.adapters.folder import Adapter, place_adapter, read_adapter
from generation.location import Location, ObjectPath
from generation.models import cache_dir, model_hash
from generation.task import Example
from training.adapters.job import AdapterJob
from training.folders import atomic_folder, is_whole, local_folder


def train_adapters(
    job: Job, output: Location, storage: Location, gpu: float = 0, rows: Sequence[Example] = ()
) -> dict[str, Adapter]:
    """The adapter of each label for a method that trains, from seeds and `rows` (`taught_rows`); once per `output`.

    A label that training left without effect has none. Needs an initialised Ray.
    """
    from training.loop import fit_adapters

    result = fit_adapters(adapter_job(job, output, rows), storage, job.config.runtime.workers, gpu=gpu)
    folder = local_folder(output)
    read = {name: read_adapter(folder / name) for name in set(result.adapters.values())}
    return {label: read[name] for label, name in result.adapters.items()}


def adapter_job(job: Job, output: Location, rows: Sequence[Example] = ()) -> AdapterJob:
    """What is to be trained for a job whose method trains adapters."""
    assert job.model_folder is not None
    return AdapterJob(
        task=job.shown,
        method=job.method,
        model_folder=job.model_folder,
        model_hash=job.model_hash,
        exemplars=job.generation.exemplars,
        settings=job.config.adapt,
        output=output,
        rows=tuple(rows),
    )


def taught_rows(job: Job, kept: pa.Table, checked: Sequence[Example] = ()) -> list[Example]:
    """What adapters learn from beside the seeds: all rows that people have checked, and the best of those kept before.

    Seeds that are held out of training are not counted on: they are not there to hold the rows down.
    """
    held = adapter_job(job, job.path).held_out()
    trusted = {
        label: len(job.shown.seeds_of(label)) - len(held[label]) + sum(row.label == label for row in checked)
        for label in job.shown.label_names
    }
    seen = pa.array([row.id for row in checked], pa.string())
    return [
        *checked,
        *best_rows(kept.filter(pc.invert(pc.is_in(kept["id"], seen))), trusted, job.config.adapt.generated),
    ]


def best_rows(kept: pa.Table, trusted: Mapping[str, int], share: float) -> list[Example]:
    """Of accepted rows (DATASET_SCHEMA) so many per label that they are at most `share` of them and `trusted`.

    The likeliest to be right, by their weight; of equal ones the lower id.
    """
    chosen = []
    rows = sorted(
        kept.select(["id", "text", "label", "weight"]).to_pylist(), key=lambda row: (-row["weight"], row["id"])
    )
    for label, count in trusted.items():
        of_label = [Example(row["text"], label) for row in rows if row["label"] == label]
        chosen += of_label[: math.floor(share * count / (1 - share) + 1e-9)]
    return chosen


def place_adapters(spec: EngineSpec | ServerSpec, root: Location) -> EngineSpec | ServerSpec:
    """Copy each adapter into the run directory, and merge the one that is to be merged; returns the spec to start.

    Raises UserError when an adapter has changed since it was read.
    """
    if isinstance(spec, ServerSpec):
        return spec
    for adapter in spec.adapters:
        place_adapter_of_run(adapter, root)
    if not spec.merged:
        return spec
    from generation.adapters.merge import merge_lora

    adapter = next(each for each in spec.adapters if each.id == spec.merged)
    lora = local_folder(adapter_folder(root, adapter.id))
    folder = merge_lora(adapter, lora, Path(spec.folder), spec.model_hash)
    return replace(spec, folder=str(folder), weights_hash=model_hash(folder))


def place_adapter_of_run(adapter: Adapter, root: Location) -> None:
    """Copy an adapter into the run directory, whole or not at all. Raises UserError when it has changed."""
    target = adapter_folder(root, adapter.id)
    if not isinstance(target, ObjectPath):
        place_adapter(adapter, target)
    elif not is_whole(target):
        copy = cache_dir() / "adapters" / adapter.id
        place_adapter(adapter, copy)
        with atomic_folder(target) as scratch:
            shutil.copytree(copy, scratch, dirs_exist_ok=True)
