"""duckdb: equal texts, lower-cased."""

from __future__ import annotations

from pathlib import Path

from deduplicators.peer import Peer, Setting

PEER = Peer(("duckdb==2.0.0",))


def run(source: Path, out: Path, setting: Setting | None) -> None:
    import duckdb

    database = duckdb.connect()
    found = "select *, min(id) over (partition by lower(text)) as cluster"
    database.execute(f"create table found as {found} from read_parquet('{source}/*.parquet')")
    database.execute(f"copy (select id, cluster from found) to '{out}/clusters.parquet'")
    kept = "select * exclude (cluster) from found where id = cluster"
    database.execute(f"copy ({kept}) to '{out}/kept.parquet'")
