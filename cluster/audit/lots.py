"""`RUN/audit/lot-NNN/`: the rows that people are asked about, drawn once and never changed."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from cluster.audit.frame import Frame, judged_by_people, read_frame
from cluster.audit.noted import noted_assurance
from cluster.dataset import newest_version, round_of_version
from cluster.store import Store
from denoise.audit.assurance import Assurance
from denoise.audit.finding import find_plan
from denoise.audit.plans import Decision, Plan
from denoise.audit.sampling import draw
from generation.errors import UserError
from generation.location import path_of
from generation.records import digest

SAMPLE_SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("order", pa.int32()),
        ("stratum", pa.string()),
        ("inclusion", pa.float64()),
        ("second", pa.bool_()),
        ("decides", pa.bool_()),
    ]
)


class Sampled(NamedTuple):
    """A row to check. `second`: two people see it. Rows that do not decide come last and count in estimates alone."""

    id: str
    order: int
    stratum: str
    inclusion: float
    second: bool
    decides: bool


@dataclass(frozen=True)
class Lot:
    """A lot: what it was drawn from and with, and its sample in the order in which it is checked.

    `assurance` is the one in effect: of a lot after `tightened` failed ones. `strata` counts the rows of the whole lot;
    `threshold` is the doubt from which they are doubtful.
    """

    number: int
    version: str
    size: int
    assurance: Assurance
    tightened: int
    threshold: float | None
    strata: Mapping[str, int]
    sample: tuple[Sampled, ...]

    @property
    def folder(self) -> str:
        """Where it lies below the run."""
        return _folder(self.number)

    @property
    def title(self) -> str:
        """What it is called on a page."""
        return f"lot {self.number}, {self.size:,} rows"

    @functools.cached_property
    def plan(self) -> Plan:
        """How many rows decide on it, and how."""
        return find_plan(self.assurance, self.size)

    def decide(self, outcomes: Sequence[bool]) -> Decision:
        """Where it stands after people found rows that decide to be defective or not, in the order of time."""
        return self.plan.decide(outcomes)

    def is_closed(self, store: Store) -> bool:
        """Whether its end is on record, so that nothing more is taken."""
        return decision_of(store, self.number) is not None


def open_lot(store: Store, assurance: Assurance | None = None) -> Lot:
    """The lot that is open, else the next one, drawn from the newest dataset version. Raises UserError.

    A new one takes `assurance`, or what the run was last asked for, tightened by the lots that failed before it.
    """
    newest = current_lot(store)
    if newest is not None and decision_of(store, newest.number) is None:
        return newest
    version = newest_version(store)
    if version is None:
        raise UserError(f"{store.root}: has no dataset yet; `labelmill run` makes one")
    if version == released_version(store):
        raise UserError(f"{store.root}: {version} is released: there is nothing to check before a further round")
    number = newest.number + 1 if newest is not None else 0
    return _draw(store, number, version, assurance or noted_assurance(store))


def current_lot(store: Store) -> Lot | None:
    """The newest lot, open or not; None before there is one."""
    numbers = lot_numbers(store)
    return read_lot(store, numbers[-1]) if numbers else None


def read_lot(store: Store, number: int) -> Lot:
    """A lot that was drawn."""
    record = store.read_json(f"{_folder(number)}/lot.json")
    sample = pq.read_table(path_of(store.root / _folder(number) / "sample.parquet"), filesystem=store.filesystem)
    return Lot(
        number=number,
        version=record["version"],
        size=record["size"],
        assurance=Assurance.model_validate(record["assurance"]),
        tightened=record["tightened"],
        threshold=record["threshold"],
        strata=record["strata"],
        sample=tuple(Sampled(**row) for row in sample.to_pylist()),
    )


def lot_numbers(store: Store) -> list[int]:
    """Lots that were drawn, in order."""
    selector = fs.FileSelector(path_of(store.root / "audit"), allow_not_found=True)
    names = [info.base_name for info in store.filesystem.get_file_info(selector)]
    numbers = sorted(int(name[4:]) for name in names if name.startswith("lot-") and name[4:].isdigit())
    return [number for number in numbers if (store.root / _folder(number) / "lot.json").is_file()]


def decision_of(store: Store, number: int) -> dict[str, Any] | None:
    """How a lot ended; None while it is open."""
    return store.read_json(f"{_folder(number)}/decision.json")


def failed_lots(store: Store, round_: int) -> list[int]:
    """Lots that failed, of versions whose last round is `round_`."""
    ended = {number: decision_of(store, number) for number in lot_numbers(store)}
    return [number for number, each in ended.items() if each and each["round"] == round_ and each["state"] == "failed"]


def released_version(store: Store) -> str | None:
    """The version that was released last; None before one was."""
    try:
        return (store.root / "dataset" / "released").read_text().strip()
    except FileNotFoundError:
        return None


def _folder(number: int) -> str:
    return f"audit/lot-{number:03d}"


def _draw(store: Store, number: int, version: str, wanted: Assurance) -> Lot:
    """The sample is written first: with lot.json the lot is there."""
    tightened = _failures(store, number)
    assurance = wanted.tightened(tightened)
    frame = read_frame(store, version, judged_by_people(store))
    threshold = frame.threshold()
    strata = frame.strata(threshold)
    plan = find_plan(assurance, len(frame.ids))
    sample = _sample(frame, strata, plan.cap, assurance, digest(store.run()["run_id"], number, version))
    lot = Lot(number, version, len(frame.ids), assurance, tightened, threshold, dict(Counter(strata)), sample)
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist([row._asdict() for row in sample], SAMPLE_SCHEMA), sink)
    store.write_bytes(f"{lot.folder}/sample.parquet", sink.getvalue().to_pybytes())
    record = {
        "version": version,
        "round": round_of_version(version),
        "size": lot.size,
        "tightened": tightened,
        "assurance": assurance.model_dump(mode="json"),
        "cap": plan.cap,
        "acceptance": plan.acceptance,
        "threshold": threshold,
        "strata": lot.strata,
    }
    store.write_json(f"{lot.folder}/lot.json", record)
    return lot


def _sample(frame: Frame, strata: Sequence[str], size: int, assurance: Assurance, seed: str) -> tuple[Sampled, ...]:
    rates = frame.rates(strata)
    drawn = draw(frame.ids, strata, size, int(seed, 16), assurance.floor, assurance.extra, rates)
    seconds = np.random.default_rng([int(seed, 16), 1]).random(len(drawn.places)) < assurance.overlap
    return tuple(
        Sampled(frame.ids[place], order, strata[place], float(chance), bool(second), order < drawn.decides)
        for order, (place, chance, second) in enumerate(zip(drawn.places, drawn.inclusion, seconds, strict=True))
    )


def _failures(store: Store, number: int) -> int:
    """Lots that failed in a row right before this one."""
    count = 0
    while number - count > 0 and (decision_of(store, number - count - 1) or {}).get("state") == "failed":
        count += 1
    return count
