"""datatrove: its four MinHash steps, two workers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from deduplicators.peer import BIGRAMS, Peer, Setting

WORKERS = 2
# it does not verify pairs, so that 25 bands of 5 would join what is not alike
PEER = Peer(("datatrove[io,processing]==0.10.1", "spacy==3.8.18", "pyarrow==26.0.1"), (BIGRAMS,))


def run(source: Path, out: Path, setting: Setting) -> None:
    from datatrove.executor.local import LocalPipelineExecutor
    from datatrove.pipeline.dedup import (
        MinhashDedupBuckets,
        MinhashDedupCluster,
        MinhashDedupFilter,
        MinhashDedupSignature,
    )
    from datatrove.pipeline.dedup.minhash import MinhashConfig
    from datatrove.pipeline.readers import ParquetReader
    from datatrove.pipeline.writers import ParquetWriter

    config = MinhashConfig(n_grams=setting.width, num_buckets=setting.bands, hashes_per_bucket=setting.rows)
    files = len(list(source.glob("*.parquet")))
    signatures, buckets, found = (str(out / name) for name in ("signatures", "buckets", "found"))

    def execute(tasks: int, *steps: Any) -> None:
        logs = str(out / "logs" / type(steps[-1]).__name__)
        LocalPipelineExecutor(list(steps), tasks=tasks, workers=WORKERS, logging_dir=logs).run()

    def reader() -> Any:
        return ParquetReader(str(source), adapter=named, glob_pattern="*.parquet")

    execute(files, reader(), MinhashDedupSignature(signatures, config))
    execute(setting.bands, MinhashDedupBuckets(signatures, buckets, config=config))
    execute(1, MinhashDedupCluster(buckets, found, config, save_cluster_id=True))
    removed = ParquetWriter(str(out / "removed"))
    keep = MinhashDedupFilter(found, exclusion_writer=removed, load_cluster_ids=True)
    execute(files, reader(), keep, ParquetWriter(str(out / "kept")))


def named(reader: Any, row: dict[str, Any], path: str, place: int) -> dict[str, Any]:
    """A row as it is read: its writer would leave an id of 0 away."""
    return {"text": row["text"], "id": str(row["id"]), "metadata": {"label": row["label"]}}


def clusters(out: Path) -> pa.Table:
    """Rows that are alone it has in no cluster."""
    rows = pa.concat_tables(pq.read_table(out / name, columns=["id", "metadata"]) for name in ("kept", "removed"))
    ids = [int(name) for name in rows["id"].to_pylist()]
    told = [each["minhash_cluster_id"] for each in rows["metadata"].to_pylist()]
    alone = (each if each >= 0 else -1 - id for each, id in zip(told, ids, strict=True))
    return pa.table({"id": ids, "cluster": pa.array(alone, pa.int64())})
