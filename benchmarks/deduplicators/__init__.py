"""What benchmarks/dedup.py compares: each tool removes the duplicates of one corpus, in an environment of its own.

Every tool has a file with its `PEER` and, but for this project's, `run(source, out, setting)`, which is called in that
environment. It leaves `kept.parquet` (or `kept/`) in `out`, and where it tells which rows it takes for the same,
`clusters.parquet` (`id`, `cluster`). One whose own form is another has `clusters(out)`, called when the clock stands.
"""
