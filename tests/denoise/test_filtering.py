from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from denoise.filtering import Tally, filter_pieces, filter_rows, short_names
from denoise.filters.table import named_filters
from denoise.settings import DenoiseSettings
from generation.chunks import Chunk
from generation.errors import UserError
from generation.pieces import Piece, find_pieces

TEXTS = ["where is my card", "", "As an AI model I cannot", "as an AI assistant", "my mail is a@b.example", None]
ROWS = pa.table(
    {"body": pa.array(TEXTS, pa.large_string()), "kind": pa.array(["x", "x", "y", "x", "y", None]), "more": range(6)}
)
FILTERS = list(named_filters(DenoiseSettings()).values())
REASONS = [None, "empty", "refusal", "refusal", "personal_email", "empty"]


def test_rows_decisions_and_counts() -> None:
    ids = pa.array([f"r{number}" for number in range(6)])
    kept, decisions, tally = filter_rows(ROWS, FILTERS, ids, "body", "kind")
    assert kept.equals(ROWS.slice(0, 1))
    assert decisions.to_pydict() == {
        "id": ids.to_pylist(),
        "status": ["accepted", *["rejected"] * 5],
        "reason": REASONS,
    }
    assert tally.counts == {
        ("x", None): 1,
        ("x", "empty"): 1,
        ("y", "refusal"): 1,
        ("x", "refusal"): 1,
        ("y", "personal_email"): 1,
        (None, "empty"): 1,
    }
    assert tally.examples == {
        "empty": [("r1", ""), ("r5", "")],
        "refusal": [("r2", TEXTS[2]), ("r3", TEXTS[3])],
        "personal_email": [("r4", "my mail is <email>")],
    }


def test_names_of_files_are_from_their_common_folder() -> None:
    a, b = Chunk((Piece("/in/a", 0, 2),)), Chunk((Piece("/in/x/b", 0, 9),))
    assert short_names([a, b]) == {"/in/a": "a", "/in/x/b": "x/b"}
    assert short_names([b]) == {"/in/x/b": "b"}


def test_examples_add_up_to_five() -> None:
    total = Tally()
    for start in (0, 3, 6):
        total.add(Tally(examples={"r": [(str(number), "t") for number in range(start, start + 3)]}))
    assert [id for id, _ in total.examples["r"]] == ["0", "1", "2", "3", "4"]


def test_output_does_not_depend_on_workers(ray_session: None, tmp_path: Path) -> None:
    for number in range(2):
        pq.write_table(ROWS, tmp_path / f"{number}.parquet", row_group_size=2)
    found = find_pieces([str(tmp_path)], ["body"])
    results = []
    for workers in (1, 2):
        out = tmp_path / f"out{workers}"
        for name in ("kept", "decisions"):
            (out / name).mkdir(parents=True)
        results.append(filter_pieces(found, FILTERS, "body", "kind", out, workers, chunk_rows=4))
        files = sorted(path for path in out.rglob("*") if path.is_file())
        results.append([(str(path.relative_to(out)), path.read_bytes()) for path in files])
    assert results[:2] == results[2:]
    decisions = pq.read_table(tmp_path / "out2" / "decisions")
    assert decisions["id"].to_pylist() == [f"{part}.parquet:{row}" for part in range(2) for row in range(6)]
    assert decisions["reason"].to_pylist() == REASONS * 2
    assert pq.read_table(tmp_path / "out2" / "kept").equals(pa.concat_tables([ROWS.slice(0, 1)] * 2))


def test_a_chunk_that_cannot_be_read_is_named_or_left_out(ray_session: None, tmp_path: Path) -> None:
    pq.write_table(ROWS, tmp_path / "0.parquet")
    pq.write_table(ROWS, tmp_path / "1.parquet")
    found = find_pieces([str(tmp_path)], ["body"])
    (tmp_path / "1.parquet").write_bytes(b"gone bad meanwhile")
    out = tmp_path / "out"
    for name in ("kept", "decisions"):
        (out / name).mkdir(parents=True)
    with pytest.raises(UserError, match=r"1\.parquet row group 0: cannot be read: .*--skip-corrupt"):
        filter_pieces(found, FILTERS, "body", None, out, 1)
    tally, corrupt = filter_pieces(found, FILTERS, "body", None, out, 1, skip_corrupt=True)
    assert tally.counts.total() == 6
    assert [problem.split(": ")[0] for problem in corrupt] == [f"{tmp_path / '1.parquet'} row group 0"]
