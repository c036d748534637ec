"""This project's `labelmill dedup`, as it comes."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from deduplicators.peer import Peer

PEER = Peer()
ENVIRONMENT = {"RAY_worker_niceness": "0"}  # Ray's workers give way to other work, which no peer's do


def command(source: Path, out: Path) -> list[str]:
    return [sys.executable, "-m", "cluster", "dedup", str(source), str(out / "labelmill")]


def clusters(out: Path) -> pa.Table:
    """From the decisions, which have one row for each that came in."""
    rows = pq.read_table(out / "labelmill" / "decisions", columns=["id", "cluster_id"])
    return rows.rename_columns(["id", "cluster"])


def start_seconds(out: Path) -> float:
    """What Ray took to start."""
    return float(json.loads((out / "labelmill" / "summary.json").read_text())["seconds"]["start"])
