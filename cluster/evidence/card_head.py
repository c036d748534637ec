"""The head of a dataset card: YAML as the Hugging Face hub and the library `datasets` read it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from cluster.card import TASKS
from cluster.evidence.layouts import classes_of
from cluster.licences import Link, Override
from generation.kinds.base import Kind

_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
_DTYPES = {pa.string(): "string", pa.int32(): "int32", pa.int64(): "int64", pa.float64(): "float64"}
_WRITERS = {"generated": "machine-generated", "pool": "found", "human": "other"}  # the hub knows no nearer word
_FILES = {"hf": "data/{}-*", "jsonl": "{}.jsonl", "csv": "{}.csv"}


@dataclass(frozen=True)
class Facts:
    """What is exported: rows (DATASET_SCHEMA) of each side, how they were divided, and the chain of licences.

    `memory` are bytes of each side as tables, `disk` those of the files, `schema` that of the files.
    """

    version: str
    format: str
    parts: Mapping[str, pa.Table]
    near: float
    seed: int
    links: tuple[Link, ...]
    overrides: tuple[Override, ...]
    memory: Mapping[str, int] | None = None
    disk: int = 0
    schema: pa.Schema | None = None

    def measured(self, memory: Mapping[str, int], disk: int, schema: pa.Schema) -> Facts:
        """Once the files are written."""
        return replace(self, memory=memory, disk=disk, schema=schema)

    @property
    def rows(self) -> int:
        return sum(part.num_rows for part in self.parts.values())

    @property
    def sources(self) -> Counter[str]:
        """Rows by source."""
        return Counter(source for part in self.parts.values() for source in part["source"].to_pylist())

    @property
    def writers(self) -> list[str]:
        """Who wrote them, in the hub's words."""
        return sorted({_WRITERS.get(source, "other") for source in self.sources})


def head_of(run: Mapping[str, Any], kind: Kind, facts: Facts) -> dict[str, Any]:
    """The card's front matter."""
    size = next((name for most, name in _SIZES if facts.rows < most), "n>1M")
    head: dict[str, Any] = {
        "pretty_name": run["name"],
        "license": "other",
        "license_name": "see-chain-of-licences",
        "task_categories": [TASKS[kind.name]],
        "size_categories": [size],
        "annotations_creators": ["machine-generated"],
        "language_creators": facts.writers,
        "source_datasets": ["original"],
        "tags": ["labelmill", "synthetic"],
        "configs": [
            {
                "config_name": "default",
                "data_files": [{"split": name, "path": _FILES[facts.format].format(name)} for name in facts.parts],
            }
        ],
    }
    if facts.format == "hf" and facts.schema is not None and facts.memory is not None:
        head["dataset_info"] = {
            "features": [*_features(facts.schema, classes_of(kind))],
            "splits": [
                {"name": name, "num_bytes": facts.memory[name], "num_examples": part.num_rows}
                for name, part in facts.parts.items()
            ],
            "download_size": facts.disk,
            "dataset_size": sum(facts.memory.values()),
        }
    return head


def _features(schema: pa.Schema, classes: Mapping[str, list[str]]) -> Iterator[dict[str, Any]]:
    for field in schema:
        many = pa.types.is_list(field.type)
        dtype: Any = _DTYPES[field.type.value_type if many else field.type]
        if field.name in classes:
            names = {str(number): name for number, name in enumerate(classes[field.name])}
            dtype = {"class_label": {"names": names}}
        yield {"name": field.name, "sequence" if many else "dtype": dtype}
