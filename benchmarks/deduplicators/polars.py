"""polars: equal texts, lower-cased."""

from __future__ import annotations

from pathlib import Path

from deduplicators.peer import Peer, Setting

PEER = Peer(("polars==2.1.0",))


def run(source: Path, out: Path, setting: Setting | None) -> None:
    import polars as pl

    key = pl.col("text").str.to_lowercase()
    rows = pl.read_parquet(source / "*.parquet").with_columns(cluster=pl.col("id").first().over(key))
    rows.select("id", "cluster").write_parquet(out / "clusters.parquet")
    rows.filter(pl.col("id") == pl.col("cluster")).drop("cluster").write_parquet(out / "kept.parquet")
