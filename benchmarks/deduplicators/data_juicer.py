"""Data-Juicer: its command with its MinHash operator, local, two processes. It tells which rows stay, and no more."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from deduplicators.peer import BIGRAMS, Peer, Setting

# it imports aiohttp without asking for it; it does not verify pairs, so that 25 bands of 5 would join what is not alike
PEER = Peer(("py-data-juicer==1.6.1", "aiohttp==3.14.5"), (BIGRAMS,))


def run(source: Path, out: Path, setting: Setting) -> None:
    operator = {
        "tokenization": "space",
        "window_size": setting.width,
        "lowercase": True,
        "num_permutations": setting.bands * setting.rows,
        "num_bands": setting.bands,
        "num_rows_per_band": setting.rows,
    }
    config = {
        "dataset_path": str(source),
        "export_path": str(out / "kept.parquet"),
        "work_dir": str(out / "work"),
        "ds_cache_dir": str(out / "cache"),
        "np": 2,
        "process": [{"document_minhash_deduplicator": operator}],
    }
    (out / "config.yaml").write_text(json.dumps(config))  # which is YAML too
    command = Path(sys.executable).with_name("dj-process")
    subprocess.run([str(command), "--config", str(out / "config.yaml")], check=True)
