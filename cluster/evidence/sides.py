"""One of the two things that are compared: a run, or one version of its dataset."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from cluster.dataset import newest_version, read_dataset, round_of_version
from cluster.evidence.lineage import versions_of
from cluster.promotion import promoted_round
from cluster.run import Run
from cluster.store import Store
from generation.errors import UserError, clip

_VERSION = re.compile(r"(.+)@(v\d+(?:-lot\d+)?)")
_NOT_SETTINGS = ("runtime.", "prices.", "licences.")


@dataclass(frozen=True)
class Side:
    """`version` is None of a run that has no dataset yet; then its kept rows count, of as many rounds as there are."""

    name: str
    store: Store
    version: str | None

    @property
    def rounds(self) -> list[int]:
        """Rounds that count."""
        numbers = self.store.rounds()
        return numbers if self.version is None else [n for n in numbers if n <= round_of_version(self.version)]

    def rows(self) -> pa.Table:
        """`id`, `text`, `label` of what is kept, by id."""
        rows = self.store.kept(self.rounds) if self.version is None else read_dataset(self.store, self.version)
        return rows.select(["id", "text", "label"]).sort_by("id")

    def settings(self) -> dict[str, Any]:
        """What decides how rows come out, flat: `group.field` -> value; of models and seeds also hashes of them."""
        run = self.store.run()
        flat = dict(_flat(run.get("config", {})))
        flat = {name: value for name, value in flat.items() if not name.startswith(_NOT_SETTINGS)}
        flat |= {
            "hash of seeds": run.get("identity", {}).get("seeds"),
            "hash of model": run.get("model", {}).get("hash"),
        }
        return flat | {f"version of {name}": each for name, each in run.get("versions", {}).items()}

    def test(self) -> Mapping[str, Any] | None:
        """How its student did: of a run the promoted one, of a version that of its newest round that was measured."""
        promoted = None if _VERSION.fullmatch(self.name) else promoted_round(self.store)
        numbers = [*reversed(self.rounds)] if promoted is None else [promoted, *reversed(self.rounds)]
        found = [self.store.read_json(f"rounds/{number:03d}/metrics.json") for number in numbers]
        return next((metrics["test"] for metrics in found if metrics and metrics.get("test")), None)

    def seeds(self) -> list[str]:
        """Texts of the seeds."""
        return [seed["text"] for seed in self.store.read_json("seeds.json") or []]


def read_side(said: str) -> Side:
    """From "RUN" or "RUN@v001". Raises UserError."""
    found = _VERSION.fullmatch(said)
    store = Run.open(found[1] if found else said).store
    if found is None:
        return Side(said, store, newest_version(store))
    known = versions_of(store)
    if found[2] not in known:
        raise UserError(f"{found[1]}: versions are {', '.join(known) or 'none yet'}; got {clip(found[2])}")
    return Side(said, store, found[2])


def _flat(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in settings.items():
        name = f"{prefix}{key}"
        if key == "labels" and isinstance(value, list):
            for label in value:
                yield from _flat({k: v for k, v in label.items() if k != "name"}, f"{name}.{label['name']}.")
        elif isinstance(value, Mapping):
            yield from _flat(value, f"{name}.")
        else:
            yield name, value
