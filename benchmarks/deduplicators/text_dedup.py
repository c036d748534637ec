"""text-dedup: its MinHash command, two processes. It writes Arrow files, which are turned into Parquet here."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from pathlib import Path

from deduplicators.peer import BIGRAMS, LOOSE_BIGRAMS, Peer, Setting
from deduplicators.rows import read, write

PEER = Peer(("text-dedup==0.4.1",), (BIGRAMS, LOOSE_BIGRAMS), python="3.12")


def run(source: Path, out: Path, setting: Setting) -> None:
    files = json.dumps(sorted(str(path) for path in source.glob("*.parquet")))
    algorithm = {
        "algorithm_name": "minhash",
        "text_column": "text",
        "num_proc": 2,
        "num_perm": setting.bands * setting.rows,
        "bands": setting.bands,
        "rows": setting.rows,
        "ngram_size": setting.width,
        "min_length": 1,
        "threshold": setting.threshold,
        "check_false_positive": bool(setting.threshold),
    }
    output = {"output_dir": str(out / "arrow"), "save_clusters": True, "keep_index_column": True}
    lines = ["[input]", 'input_type = "local_files"', 'file_type = "parquet"']
    lines += ["[input.read_arguments]", 'path = "parquet"', f"data_files = {files}", 'split = "train"']
    for section, values in {"algorithm": algorithm, "output": output, "debug": {}}.items():
        lines += [f"[{section}]", *(f"{name} = {json.dumps(value)}" for name, value in values.items())]
    (out / "config.toml").write_text("\n".join(lines) + "\n")
    subprocess.run([sys.executable, "-m", "text_dedup.minhash"], cwd=out, check=True)
    found = pickle.loads((out / "arrow" / "clusters.pickle").read_bytes())  # made by the line before
    table, first = read(source), dict[int, int]()
    for place, cluster in sorted(found.items()):
        first.setdefault(cluster, place)
    write(out, table, [first[found[place]] if place in found else place for place in range(table.num_rows)])
