"""Rows with duplicates of every kind, and what becomes of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from denoise.dedup.columns import choose_columns
from denoise.dedup.job import Summary, Task, deduplicate
from denoise.dedup.settings import PAIR_MEMORY, DedupSettings
from generation.chunks import cut
from generation.location import Location, locate
from generation.pieces import find_pieces

# id, text, label -> survivor, cluster, match, reason; longer texts go before shorter ones
ROWS = [
    (1, "My parcel has not arrived yet, where could it be?", "lost", 1, 1, None, "kept"),
    (2, "my parcel has not arrived yet where could it be", "lost", 1, 1, 1, "exact_duplicate"),
    (3, "My parcel has not arrived, where could it be?", "lost", 1, 1, 1, "near_duplicate"),
    (4, "MY PARCEL HAS NOT ARRIVED yet! Where could it be", "late", 4, 1, 1, "label_conflict"),
    (5, "my parcel has not arrived yet where could it be", "late", 4, 1, 4, "exact_duplicate"),
    (6, "How do I change the address of an order?", "address", 6, 6, None, "kept"),
    (7, "你好 世界", "lost", 7, 7, None, "kept"),
    (8, "Ok", "lost", 9, 9, 9, "exact_duplicate"),
    (9, "ok!", "lost", 9, 9, None, "kept"),
    (10, None, "lost", 10, 10, None, "kept"),
]
COUNTS = {"rows": 10, "kept": 6, "exact_duplicates": 3, "near_duplicates": 1, "label_conflicts": 1}


def rows_table(rows: list[tuple] = ROWS) -> pa.Table:
    """Rows of ROWS as a user has them, with a column more."""
    ids, texts, labels = ([row[place] for row in rows] for place in range(3))
    return pa.table({"id": ids, "text": texts, "label": labels, "more": [[f"row {each}"] for each in ids]})


def write_rows(folder: Path, table: pa.Table, sizes: list[int], group: int = 3) -> str:
    """Files of these numbers of rows."""
    folder.mkdir(parents=True)
    begin = 0
    for number, size in enumerate(sizes):
        pq.write_table(table.slice(begin, size), folder / f"part-{number}.parquet", row_group_size=group)
        begin += size
    return str(folder)


def dedup(
    inputs: list[str],
    out: Location,
    against: Location | None = None,
    settings: DedupSettings | None = None,
    skip_corrupt: bool = False,
    pair_memory: int = PAIR_MEMORY,
    **columns: Any,
) -> Summary:
    """What the command does once it has a Ray."""
    names: dict[str, Any] = {"text": "text", "label": None, "id": None, "prefer": None, **columns}
    found = find_pieces(inputs, [names["text"]], skip_corrupt)
    chosen = choose_columns(found.schema, **names)
    return deduplicate(
        Task(
            tuple(cut(found.pieces)),
            found.schema,
            chosen,
            settings or DedupSettings(),
            out,
            out / "index",
            against,
            tuple(found.skipped),
            skip_corrupt,
            pair_memory=pair_memory,
        )
    )


def decisions(out: Path) -> dict[Any, tuple]:
    """Survivor, cluster, match and reason by id."""
    table = pq.read_table(out / "decisions")
    columns = ["survivor_id", "cluster_id", "match_id", "reason"]
    return {row["id"]: tuple(row[name] for name in columns) for row in table.to_pylist()}


def contents(out: Location) -> dict[str, bytes]:
    """All files below a folder."""
    folder = Path(str(locate(out)))
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
