"""A dataset version as a folder to take away: split, in one of three forms, with its card."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from cluster.dataset import read_dataset
from cluster.evidence.card_head import Facts
from cluster.evidence.dataset_card import dataset_card
from cluster.evidence.families import families_of
from cluster.evidence.layouts import classes_of, coded, columns_of, write_csv, write_jsonl, write_parquet
from cluster.evidence.versions import version_to_take
from cluster.forgetting.pending import refuse_unfinished
from cluster.licences import check_licences, note_override
from cluster.review.transfer import kind_of
from cluster.store import Store
from denoise.split import deal
from generation.errors import UserError
from generation.kinds.base import Kind
from generation.location import Location, locate
from training.folders import atomic_folder, is_whole


@dataclass(frozen=True)
class Wanted:
    """The command line; `shares` of the sides by name."""

    out: str
    format: str
    shares: Mapping[str, float]
    seed: int = 0
    near: float = 0.5
    version: str | None = None
    unreleased: bool = False
    accept_licence: str | None = None


@dataclass(frozen=True)
class Exported:
    """What was written: rows of each side, and how many families they fall into."""

    version: str
    rows: Mapping[str, int]
    families: int
    largest: int


def export_dataset(store: Store, wanted: Wanted) -> Exported:
    """Write `wanted.out`, whole or not at all. Raises UserError; an override of licences is recorded with the run."""
    if not 0 < wanted.near <= 1:
        raise UserError(f"--near: must be above 0 and at most 1; got {wanted.near:g}")
    target = locate(wanted.out)
    if _is_there(target):
        raise UserError(f"{wanted.out}: is there already; name a new folder")
    refuse_unfinished(store)
    version = version_to_take(store, wanted.version, wanted.unreleased)
    links, overrides = check_licences(store, wanted.accept_licence)
    kind, rows = kind_of(store), read_dataset(store, version).sort_by("id")
    family = families_of(store, rows, wanted.near)
    labels = [label or "" for label in rows["label"].to_pylist()]
    sides = deal(labels, family, list(wanted.shares.values()), wanted.seed)
    parts = {name: rows.filter(pa.array(sides == number)) for number, name in enumerate(wanted.shares)}
    facts = Facts(version, wanted.format, parts, wanted.near, wanted.seed, links, overrides)
    note_override(store, wanted.accept_licence)  # first: whenever it is killed, no export is without its record
    with atomic_folder(target) as folder:
        facts = _write(folder, kind, facts, str(store.run()["run_id"]))
        (folder / "README.md").write_text(dataset_card(store, kind, facts), encoding="utf-8")
    sizes = np.bincount(family) if len(family) else np.zeros(1, int)
    counts = {name: part.num_rows for name, part in parts.items()}
    return Exported(version, counts, int((sizes > 0).sum()), int(sizes.max()))


def _write(folder: Path, kind: Kind, facts: Facts, run_id: str) -> Facts:
    """The files of all sides; returns the facts with what they are in bytes."""
    memory, disk = {}, 0
    for name, rows in facts.parts.items():
        table = columns_of(kind, rows)
        if facts.format == "hf":
            table = coded(table, classes_of(kind))
            disk += write_parquet(folder, name, table, run_id)
        elif facts.format == "jsonl":
            write_jsonl(folder, name, table)
        else:
            write_csv(folder, name, table, kind)
        memory[name] = table.nbytes
        schema = table.schema
    return facts.measured(memory, disk or sum(path.stat().st_size for path in folder.iterdir()), schema)


def _is_there(target: Location) -> bool:
    return target.exists() if isinstance(target, Path) else is_whole(target)
