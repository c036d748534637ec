"""Whole deduplications, from Parquet to Parquet."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from denoise.dedup.parts import PARTS
from denoise.dedup.settings import DedupSettings
from generation.errors import UserError
from generation.location import Location, filesystem_of, path_of
from tests.denoise.dedup.cases import COUNTS, ROWS, contents, decisions, dedup, rows_table, write_rows

EXPECTED = {row[0]: row[3:] for row in ROWS}
KEPT = [id for id, (survivor, *_) in EXPECTED.items() if survivor == id]


def test_every_row_is_decided_on(ray_session: None, tmp_path: Path) -> None:
    source, out = write_rows(tmp_path / "in", rows_table(), [6, 4]), tmp_path / "out"
    summary = dedup([source], out)
    assert decisions(out) == EXPECTED
    assert {name: getattr(summary, name) for name in COUNTS} == COUNTS
    assert (summary.largest_component, summary.largest_cluster, summary.index_rows) == (5, 5, 6)
    kept = pq.read_table(out / "kept")
    assert kept.schema.equals(rows_table().schema)
    assert kept.sort_by("id").to_pylist() == [row for row in rows_table().to_pylist() if row["id"] in KEPT]
    table = pq.read_table(out / "decisions").sort_by("id")
    assert table["copies"].to_pylist() == [3, 0, 0, 2, 0, 1, 1, 0, 2, 1]
    assert table["similarity"].to_pylist()[:4] == [1, 1, pytest.approx(0.9), 1]
    assert len(list((out / "kept").iterdir())) == len(list((out / "decisions").iterdir())) == PARTS


def test_neither_the_order_of_files_nor_their_cut_matters(ray_session: None, tmp_path: Path) -> None:
    table = rows_table()
    dedup([write_rows(tmp_path / "in", table, [10], 10)], tmp_path / "out")
    mixed = table.take(random.Random(1).sample(range(10), 10))
    write_rows(tmp_path / "more", mixed, [1, 5, 4], 2)
    dedup(sorted(map(str, (tmp_path / "more").iterdir()), reverse=True), tmp_path / "again")
    assert contents(tmp_path / "again") == contents(tmp_path / "out")


def test_workers_decide_as_the_driver_does(ray_session: None, tmp_path: Path) -> None:
    rng = random.Random(5)
    words = [f"word{each}" for each in range(30)]
    texts = [" ".join(rng.choices(words, k=rng.randrange(4, 9))) for _ in range(250)]
    texts = [*texts, *(text.rpartition(" ")[0] for text in texts), *texts[:50]]
    table = pa.table({"id": range(550), "text": texts, "label": rng.choices(["x", "y"], k=550)})
    settings = DedupSettings(threshold=0.5)
    dedup([write_rows(tmp_path / "a", table.slice(500), [50])], tmp_path / "old", settings=settings)
    source, old = write_rows(tmp_path / "in", table.slice(0, 500), [300, 200], 100), tmp_path / "old" / "index"
    here = dedup([source], tmp_path / "here", old, settings)
    apart = dedup([source], tmp_path / "apart", old, settings, pair_memory=0)
    assert contents(tmp_path / "apart") == contents(tmp_path / "here")
    assert here.star_passes is None and apart.star_passes is not None and here.largest_component > 10
    assert {**vars(apart), "star_passes": None, "seconds": None} == {**vars(here), "seconds": None}


def test_rows_without_ids_get_some_from_what_they_hold(ray_session: None, tmp_path: Path) -> None:
    table = rows_table([*ROWS, *ROWS[:3]]).drop_columns(["id"])
    out, again = tmp_path / "out", tmp_path / "again"
    summary = dedup([write_rows(tmp_path / "in", table, [13])], out)
    assert (summary.rows, summary.kept, summary.exact_duplicates) == (13, 6, 5)
    dedup([write_rows(tmp_path / "more", table.take(list(range(12, -1, -1))), [4, 9])], again)
    assert contents(again) == contents(out)
    kept = pq.read_table(out / "kept")
    assert kept.column_names == ["id", "text", "label", "more"]
    assert set(kept["id"].to_pylist()) == {id for id, (survivor, *_) in decisions(out).items() if id == survivor}
    # equal rows count on, also beyond an index
    dedup([str(tmp_path / "in")], tmp_path / "third", against=out / "index")
    assert not set(decisions(tmp_path / "third")) & set(pq.read_table(out / "index")["id"].to_pylist())


def test_ids_of_any_kind(ray_session: None, tmp_path: Path) -> None:
    ids = pa.array([f"row {row[0]}" for row in ROWS])
    for number, column in enumerate([ids, ids.dictionary_encode()]):
        table = rows_table().set_column(0, "name", column)
        out = tmp_path / f"out{number}"
        dedup([write_rows(tmp_path / f"in{number}", table, [10])], out, id="name")
        assert {id: found[-1] for id, found in decisions(out).items()} == {
            f"row {id}": found[-1] for id, found in EXPECTED.items()
        }


def test_labels_can_be_missing_and_the_best_row_stays(ray_session: None, tmp_path: Path) -> None:
    table = rows_table().drop_columns(["label"]).append_column("score", pa.array([0.1] * 4 + [0.9] + [None] * 5))
    summary = dedup([write_rows(tmp_path / "in", table, [10])], tmp_path / "out", prefer="score")
    assert (summary.kept, summary.label_conflicts) == (5, 0)
    assert decisions(tmp_path / "out")[1] == (5, 5, 5, "exact_duplicate")
    assert decisions(tmp_path / "out")[5] == (5, 5, None, "kept")


def test_new_rows_against_an_index(ray_session: None, tmp_path: Path) -> None:
    first, second, out = tmp_path / "first", tmp_path / "second", tmp_path / "out"
    dedup([write_rows(tmp_path / "a", rows_table(ROWS[2:4]), [2])], first)
    shutil.rmtree(tmp_path / "a")  # no old text is read again
    rest = [*ROWS[:2], *ROWS[4:8]]
    summary = dedup([write_rows(tmp_path / "b", rows_table(rest), [6])], second, against=first / "index")
    assert (summary.old_rows, summary.rows, summary.index_rows) == (2, 6, 5)
    assert decisions(second) == {  # old rows stand, though a new one is longer, and say who they are
        1: (3, 4, 3, "near_duplicate"),
        2: (3, 4, 3, "near_duplicate"),
        5: (4, 4, 4, "exact_duplicate"),
        **{id: EXPECTED[id] for id in (6, 7)},
        8: (8, 8, None, "kept"),
    }
    # a text that the index has under another label is compared with its other texts too
    dedup([write_rows(tmp_path / "c", rows_table(ROWS[8:]), [2])], out, against=second / "index")
    assert decisions(out)[9] == (8, 8, 8, "exact_duplicate")
    assert set(pq.read_table(out / "index")["id"].to_pylist()) == {3, 4, 6, 7, 8, 10}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"settings": DedupSettings(ngram=2)}, "an index of other settings: its ngram is 1, now 2"),
        ({"settings": DedupSettings("characters")}, "an index of other settings: its shingle is words, now characters"),
        ({"id": "label"}, "an index of other settings: its id_type is integer, now string"),
        ({"against": Path("/nowhere")}, "/nowhere is no index"),
    ],
)
def test_an_index_of_other_settings_is_refused(ray_session: None, tmp_path: Path, changes: dict, said: str) -> None:
    source = write_rows(tmp_path / "in", rows_table(), [10])
    dedup([source], tmp_path / "out")
    with pytest.raises(UserError, match=said):
        dedup([source], tmp_path / "more", **{"against": tmp_path / "out" / "index", **changes})
    assert not (tmp_path / "more").exists()


def test_repeated_ids_are_refused(ray_session: None, tmp_path: Path) -> None:
    source = write_rows(tmp_path / "in", rows_table([*ROWS, ROWS[3]]), [11])
    with pytest.raises(UserError, match="1 in column 'id' repeat, such as 4"):
        dedup([source], tmp_path / "out")
    shutil.rmtree(source)
    dedup([write_rows(tmp_path / "in", rows_table(), [10])], tmp_path / "out")
    with pytest.raises(UserError, match="6 in column 'id' repeat, such as 1 in IN and in the index"):
        dedup([source], tmp_path / "more", against=tmp_path / "out" / "index")


def test_corrupt_parts(ray_session: None, tmp_path: Path) -> None:
    source = write_rows(tmp_path / "in", rows_table(), [5, 5])
    bad = tmp_path / "in" / "part-0.parquet"
    data = bytearray(bad.read_bytes())
    data[4:60] = b"\xff" * 56
    bad.write_bytes(data)
    with pytest.raises(UserError, match=r"part-0\.parquet row group 0: cannot be read"):
        dedup([source], tmp_path / "out")
    assert not (tmp_path / "out").exists()
    summary = dedup([source], tmp_path / "out", skip_corrupt=True)
    assert (summary.rows, summary.corrupt_parts) == (5, [str(bad)])


def test_a_dedup_on_an_object_store(ray_session: None, tmp_path: Path, prefix: Location) -> None:
    source = write_rows(tmp_path / "in", rows_table(), [10])
    summary = dedup([source], prefix / "out")
    assert summary.kept == 6
    place = prefix / "out" / "decisions"
    table = pq.read_table(path_of(place), filesystem=filesystem_of(place))
    assert dict(zip(table["id"].to_pylist(), table["reason"].to_pylist(), strict=True)) == {
        id: found[-1] for id, found in EXPECTED.items()
    }
