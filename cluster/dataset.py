"""`dataset/vNNN/`: what a user takes away. Written once per round and never changed."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import fs

from cluster.store import Store
from generation.kinds.multi_label import PLUS
from generation.location import Location, ObjectPath, path_of
from generation.parts import list_parts, read_parts, write_part
from generation.records import DATASET_SCHEMA, KEPT, OF_KINDS, dataset_schema, map_column
from training.folders import COMPLETE, atomic_folder, is_whole

PART_BYTES = 128 * 1024**2
DOUBTS = ("judge_unsure", "label_disagrees")
TRAINING_SCHEMA = pa.schema(
    [DATASET_SCHEMA.field(name) for name in ("id", "text", "label", "weight", "tokens", "tags", "shares")]
)


def materialise(
    store: Store,
    round_: int,
    run_id: str,
    part_bytes: int = PART_BYTES,
    columns: Sequence[str] = (),
    lot: int | None = None,
) -> Location:
    """Write version `round_`: kept rows of all rounds so far with their final labels. One that exists is kept.

    With what people found in lot number `lot` it is a version of its own. Of the columns that belong to kinds of tasks
    it has `columns` alone.
    """
    target = store.root / "dataset" / version_of(round_, lot)
    if not is_whole(target):
        with atomic_folder(target) as folder:
            tables = [kept_rows(store, number) for number in range(round_ + 1)]
            rows = pa.concat_tables(tables).select(dataset_schema(columns).names)
            _write(folder, rows, run_id, part_bytes)
    newest = newest_version(store)
    if newest is None or round_of_version(newest) <= round_:  # a lot may end when a later round has its version
        store.write_text("dataset/latest", target.name + "\n")
    return target


def kept_rows(store: Store, round_: int) -> pa.Table:
    """Rows (DATASET_SCHEMA) of a round that were accepted or relabelled, sorted by label and id."""
    verdicts = store.verdicts(round_)
    verdicts = verdicts.filter(pc.is_in(verdicts["status"], pa.array(KEPT))).sort_by("id")
    rows = store.rows(round_)
    rows = rows.filter(pc.is_in(rows["id"], verdicts["id"].combine_chunks())).sort_by("id")
    if rows["id"].to_pylist() != verdicts["id"].to_pylist():
        raise RuntimeError(f"round {round_}: verdicts keep rows that were not generated")
    rows = rows.set_column(rows.schema.get_field_index("label"), "label", verdicts["label"])
    rows = rows.set_column(rows.schema.get_field_index("labels"), "labels", _labels(rows))
    for name in ("status", "scores", "shares", "weight"):
        rows = rows.append_column(name, verdicts[name])
    return rows.cast(DATASET_SCHEMA).sort_by([("label", "ascending"), ("id", "ascending")])


def training_rows(store: Store, rounds: Iterable[int]) -> pa.Table:
    """What students are trained on of the rows kept in these rounds, in the order of rounds and ids."""
    tables = [kept_rows(store, number).select(TRAINING_SCHEMA.names).sort_by("id") for number in rounds]
    return pa.concat_tables([TRAINING_SCHEMA.empty_table(), *tables])


def doubted_rows(store: Store, rounds: Iterable[int]) -> pa.Table:
    """Rows (TRAINING_SCHEMA) that the agreement step did not keep and that are of several labels by shares.

    The label is the likeliest, the weight 1: what is not sure stands in the shares. Those that a person has judged
    since are none of them. In the order of rounds and ids.
    """
    tables = [TRAINING_SCHEMA.empty_table()]
    for number in rounds:
        verdicts = store.verdicts(number)
        doubted = pc.and_(pc.equal(verdicts["stage"], "agreement"), pc.is_in(verdicts["reason"], pa.array(DOUBTS)))
        verdicts = verdicts.filter(pc.and_(doubted, pc.is_valid(verdicts["shares"])))
        shares = dict(zip(verdicts["id"].to_pylist(), map_column(verdicts, "shares"), strict=True))
        rows = store.generated(number, ["id", "text"]).sort_by("id").to_pylist()
        found = [_doubted(row, shares[row["id"]]) for row in rows if row["id"] in shares]
        tables.append(pa.Table.from_pylist(found, TRAINING_SCHEMA))
    return pa.concat_tables(tables)


def _doubted(row: dict[str, Any], shares: dict[str, float]) -> dict[str, Any]:
    likeliest = max(shares, key=lambda name: (shares[name], name))
    return {**row, "label": likeliest, "weight": 1.0, "shares": sorted(shares.items())}


def _labels(rows: pa.Table) -> pa.ChunkedArray:
    """The labels of rows that have several, from their final joint label; null for other rows."""
    split = pc.split_pattern(rows["label"], PLUS)
    return pc.if_else(pc.is_valid(rows["labels"]), split, pa.scalar(None, split.type))


def newest_version(store: Store) -> str | None:
    """The name of the newest version; None before there is one."""
    try:
        return (store.root / "dataset" / "latest").read_text().strip()
    except FileNotFoundError:
        return None


def version_of(round_: int, lot: int | None = None) -> str:
    """The name of a round's version, or of the one with what people found in a lot of it."""
    return f"v{round_:03d}" if lot is None else f"v{round_:03d}-lot{lot:03d}"


def round_of_version(version: str) -> int:
    """The last round whose rows a version such as "v002" or "v002-lot001" has."""
    return int(version[1:].split("-")[0])


def read_dataset(store: Store, version: str | None = None) -> pa.Table:
    """Rows (`dataset_schema` of the run's kind of task) of a version such as "v000"; the newest by default."""
    name = version or (store.root / "dataset" / "latest").read_text().strip()
    parts = list_parts(store.filesystem, path_of(store.root / "dataset" / name))
    found = pq.read_schema(parts[0], filesystem=store.filesystem).names
    return read_parts(store.filesystem, parts, dataset_schema(name for name in OF_KINDS if name in found))


def refresh_version(store: Store, version: str) -> None:
    """Write anew what tells of a version's parts, after rows were erased from them."""
    place = store.root / "dataset" / version
    with tempfile.TemporaryDirectory(prefix="labelmill-") as scratch:
        folder, names = Path(scratch), [Path(part).name for part in list_parts(store.filesystem, path_of(place))]
        for name in names:
            (folder / name).write_bytes((place / name).read_bytes())
        paths = [folder / name for name in names]
        _write_footers(folder, paths)
        manifest = _manifest(paths, read_dataset(store, version), str(store.run()["run_id"]))
        (folder / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n")
        for path in sorted(set(folder.iterdir()) - set(paths)):
            store.write_bytes(f"dataset/{version}/{path.name}", path.read_bytes())
        if isinstance(place, ObjectPath):
            digests = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}
            store.write_json(f"dataset/{version}/{COMPLETE}", digests)


def _write(folder: Path, rows: pa.Table, run_id: str, part_bytes: int) -> None:
    rows_per_part = max(1, rows.num_rows * part_bytes // max(rows.nbytes, 1))
    starts = range(0, max(rows.num_rows, 1), rows_per_part)
    for number, start in enumerate(starts):
        part = rows.slice(start, rows_per_part)
        write_part(fs.LocalFileSystem(), str(folder / f"part-{number:05d}.parquet"), part, run_id)
    paths = sorted(folder.glob("*.parquet"))
    _write_footers(folder, paths)
    (folder / "manifest.json").write_text(json.dumps(_manifest(paths, rows, run_id), indent=2) + "\n")


def _write_footers(folder: Path, paths: list[Path]) -> None:
    """`_metadata` and `_common_metadata`: the footers of all parts in one file, so that readers open only that."""
    from fastparquet import writer

    writer.merge([str(path) for path in paths])


def _manifest(paths: list[Path], rows: pa.Table, run_id: str) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "rows": rows.num_rows,
        "labels": dict(sorted(Counter(rows["label"].to_pylist()).items())),
        "parts": [
            {"name": path.name, "bytes": path.stat().st_size, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
            for path in paths
        ],
    }


def discard_scratch(store: Store) -> None:
    """Remove what a killed driver left half-written: it was never part of the run. An object store holds none."""
    if not isinstance(store.root, Path):
        return
    for kind in ("dataset", "rounds/*", "adapters"):
        for folder in store.root.glob(f"{kind}/.*.tmp"):
            shutil.rmtree(folder, ignore_errors=True)
    for scratch in [*store.root.glob("**/*.parquet.*.tmp"), *store.root.glob("**/*.json.*.tmp")]:
        scratch.unlink(missing_ok=True)
