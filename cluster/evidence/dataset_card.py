"""A dataset card: what rows are, where they come from, what was dropped, who checked them, under what terms.

Its head is YAML as the Hugging Face hub and the library `datasets` read it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
import yaml

from cluster.audit.frame import judged_by_people
from cluster.card import TASKS, licences_told, table_of
from cluster.dataset import round_of_version
from cluster.evidence.fates import losses_of
from cluster.evidence.layouts import classes_of
from cluster.evidence.versions import lot_of_version
from cluster.licences import Link, Override
from cluster.store import Store
from generation.kinds.base import Kind

_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
_DTYPES = {pa.string(): "string", pa.int32(): "int32", pa.int64(): "int64", pa.float64(): "float64"}
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


def dataset_card(store: Store, kind: Kind, facts: Facts) -> str:
    """The card, in Markdown."""
    run = store.run()
    parts = [
        f"---\n{yaml.safe_dump(head_of(run, kind, facts), sort_keys=False, allow_unicode=True)}---",
        f"# {run['name']}",
        run.get("description", ""),
        _labels(run, facts),
        _columns(facts),
        _made(store, run, facts),
        licences_told(facts.links, facts.overrides),
        _checked(store, facts),
        _split(facts),
        _limits(),
        f"Run `{run['run_id']}`, dataset {facts.version}, begun {run.get('created', '')}.",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


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
        "language_creators": ["machine-generated"],
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


def _labels(run: Mapping[str, Any], facts: Facts) -> str:
    """Counts of what rows were asked for and kept as, side by side, with the guideline's sentence."""
    counts = {name: Counter(part["label"].to_pylist()) for name, part in facts.parts.items()}
    told = {label["name"]: label["description"] for label in run["labels"]}
    names = [*told, *sorted({label for each in counts.values() for label in each} - told.keys())]
    rows = [(name, told.get(name, ""), *(each[name] for each in counts.values())) for name in names]
    return "## Labels\n\n" + table_of(("label", "is said of a text that", *counts), rows)


_TOLD = {
    "id": "of the row, the same in the run",
    "text": "what a model is to read",
    "text_a": "the first of a pair",
    "text_b": "the second of a pair",
    "label": "the label",
    "label_text": "its name",
    "labels": "all labels of the text",
    "tokens": "its words",
    "tags": "a tag for each (BIO)",
    "confidence": "the judge's in the label; empty where nothing judged it",
    "source": "generated by the LM, from a pool of real texts, or by people (human)",
    "method": "how it was made",
    "round": "of the run",
    "intended_label": "what it was asked for",
    "seed_ids": "the examples in its prompt",
    "weight": "how much students are to learn from it",
}


def _columns(facts: Facts) -> str:
    assert facts.schema is not None
    return "## Columns\n\n" + table_of(("column", ""), [(name, _TOLD[name]) for name in facts.schema.names])


def _made(store: Store, run: Mapping[str, Any], facts: Facts) -> str:
    """How rows came to be, and where the others went."""
    all_rows = pa.concat_tables(facts.parts.values())
    rounds = [number for number in store.rounds() if number <= round_of_version(facts.version)]
    losses = losses_of(store, rounds)
    model = run.get("model", {})
    rows = [
        ("model that wrote the texts", f"{model.get('name')} (hash {model.get('hash')})"),
        ("hand-written seeds, not in here", len(store.read_json("seeds.json") or ())),
        *((f"rows by {name or 'a method not told'}", count) for name, count in _counted(all_rows["method"])),
        *((f"rows {name}", count) for name, count in _counted(all_rows["status"])),
        ("rows made in all", losses.made),
        *((f"left out: {name}", count) for name, count in losses.reasons.items()),
    ]
    return "## How it was made\n\n" + table_of(("", ""), rows)


def _counted(column: pa.ChunkedArray) -> list[tuple[str, int]]:
    return sorted(Counter(value or "" for value in column.to_pylist()).items())


def _checked(store: Store, facts: Facts) -> str:
    """What people found."""
    ids = {id for part in facts.parts.values() for id in part["id"].to_pylist()}
    seen = len(ids & judged_by_people(store))
    lot = lot_of_version(store, facts.version)
    if lot is None:
        return f"## Who checked it\n\nNo lot of it was released. People have looked at {seen} of its {len(ids)} rows."
    low, high = (f"{100 * lot[name]:.1f} %" for name in ("low", "high"))
    return (
        f"## Who checked it\n\nLot {lot['lot']} {lot['state']}: people checked {lot['checked']} rows drawn at random "
        f"and found {lot['defects']} wrong. So, with 95 %, between {low} and {high} of the rows that it was drawn from "
        f"are wrong; what was found is put right here. People have looked at {seen} of the {len(ids)} rows."
    )


def _split(facts: Facts) -> str:
    if len(facts.parts) < 2:
        return ""
    return (
        f"## Split\n\nTexts with a Jaccard similarity of {facts.near:g} or more (runs of five characters), texts "
        "joined by such ones, and texts made of one text lie on one side. Labels are spread alike. "
        f"Seed {facts.seed}."
    )


def _limits() -> str:
    lines = [
        "A language model wrote most rows: what it gets wrong may be wrong here, and what it never says is missing.",
        "Rows that were rejected, held back or beyond a quota are not in here.",
    ]
    return "## Limits\n\n" + "\n".join(f"- {line}" for line in lines)
