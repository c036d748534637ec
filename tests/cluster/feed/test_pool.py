"""The files of a pool."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cluster.feed.pool import open_pool, pool_digest
from cluster.store import Store
from generation.errors import UserError
from generation.pieces import read_piece


def opened(folder: Path, *names: str, text: str = "text", source: str = "source"):  # type: ignore[no-untyped-def]
    places, store = [str(folder / name) for name in names], Store(folder / "run")
    return open_pool(places, tuple(text.split()), source, "digest", store, "feeds/000")


def test_a_pool_is_known_by_what_it_holds(tmp_path: Path) -> None:
    for name, text in {"a.csv": "text\nhi\n", "b.csv": "text\nho\n", "c.csv": "text\nhi\n"}.items():
        (tmp_path / name).write_text(text)
    one, other, same = (pool_digest([str(tmp_path / name)]) for name in ("a.csv", "b.csv", "c.csv"))
    assert one == same != other
    both = [str(tmp_path / "a.csv"), str(tmp_path / "b.csv")]
    assert pool_digest(both) == pool_digest(both[::-1]) not in (one, other)
    assert pool_digest(both, ["body"]) != pool_digest(both)
    with pytest.raises(UserError, match=r"none\.csv: no such file"):
        pool_digest([str(tmp_path / "none.csv")])


def test_small_files_become_parquet_in_the_run(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "hi", "source": "mail", "more": 1}\n{"text": "ho"}\n')
    pool = opened(tmp_path, "a.jsonl")
    assert (pool.rows, pool.source) == (2, "source")
    assert pq.read_table(tmp_path / "run/feeds/000/input/part-000.parquet").to_pydict() == {
        "text": ["hi", "ho"],
        "source": ["mail", None],
    }
    (tmp_path / "b.csv").write_text("body\nhi\n")
    assert opened(tmp_path, "b.csv", text="body").source is None


def test_parquet_stays_where_it_is(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    pq.write_table(pa.table({"text": ["a", "b", "c"]}), tmp_path / "in" / "one.parquet", row_group_size=2)
    pool = opened(tmp_path, "in")
    assert [(piece.rows, piece.group) for piece in pool.pieces] == [(2, 0), (1, 1)]
    assert not (tmp_path / "run").exists()


def test_pieces_stand_in_the_order_of_what_their_files_hold(tmp_path: Path) -> None:
    for name, texts in {"a.parquet": ["a", "b"], "b.parquet": ["c"]}.items():
        pq.write_table(pa.table({"text": texts}), tmp_path / name, row_group_size=1)
    (tmp_path / "c.csv").write_text("text\nd\n")
    pools = [
        opened(tmp_path, *names) for names in (["a.parquet", "b.parquet", "c.csv"], ["c.csv", "b.parquet", "a.parquet"])
    ]
    assert pools[0] == pools[1] and [piece.rows for piece in pools[0].pieces] == [1, 1, 1, 1]
    texts = [read_piece(piece, ["text"])["text"].to_pylist() for piece in pools[0].pieces]
    assert texts.index(["b"]) == texts.index(["a"]) + 1
    (tmp_path / "a.parquet").rename(tmp_path / "z.parquet")
    later = opened(tmp_path, "z.parquet", "b.parquet", "c.csv")
    assert [read_piece(piece, ["text"])["text"].to_pylist() for piece in later.pieces] == texts


def test_texts_are_cleaned_before_the_run_has_them(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "Hi Ann", "source": "Ann"}\n')
    store = Store(tmp_path / "run")
    open_pool([str(tmp_path / "a.jsonl")], ("text",), "source", "digest", store, "feeds/000", str.lower)
    found = pq.read_table(tmp_path / "run/feeds/000/input/part-000.parquet").to_pydict()
    assert found == {"text": ["hi ann"], "source": ["Ann"]}


def test_refusals(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "hi"}\n{"text": 5}\n')
    with pytest.raises(UserError, match=r"a\.jsonl line 2: text must be a string; got \{'text': 5\}"):
        opened(tmp_path, "a.jsonl")
    (tmp_path / "d.csv").write_text("text_a,source\nhi,mail\n")
    with pytest.raises(UserError, match=r"d\.csv line 2: text_b must be a string; got \{'text_a': 'hi'"):
        opened(tmp_path, "d.csv", text="text_a text_b")
    (tmp_path / "b.csv").write_text("text\n")
    with pytest.raises(UserError, match=r"b\.csv: no rows"):
        opened(tmp_path, "b.csv")
    pq.write_table(pa.table({"text": ["a"], "source": [1]}), tmp_path / "c.parquet")
    with pytest.raises(UserError, match=r"c\.parquet: column 'source' must hold strings; got int64"):
        opened(tmp_path, "c.parquet")
    (tmp_path / "d.csv").write_text("text,source\nhi,mail\n")
    (tmp_path / "e.csv").write_text("text\nho\n")
    with pytest.raises(UserError, match=r"d\.csv: all files must have a column 'source', or none"):
        opened(tmp_path, "d.csv", "e.csv")
