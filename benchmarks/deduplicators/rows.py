"""Parquet in and out, for tools that leave it to their user."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq


def read(source: Path) -> pa.Table:
    """All rows of a corpus in one table."""
    return pq.read_table(source).combine_chunks()


def write(out: Path, table: pa.Table, clusters: Sequence[int]) -> None:
    """The first row of each cluster, and the clusters; `clusters[place]` is the place of its first row."""
    first = [place == cluster for place, cluster in enumerate(clusters)]
    pq.write_table(table.filter(pa.array(first)), out / "kept.parquet")
    pq.write_table(pa.table({"id": table["id"], "cluster": pa.array(clusters, pa.int64())}), out / "clusters.parquet")
