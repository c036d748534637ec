"""The command: what it refuses, and one run of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cluster.dedup import Wishes, plan, run
from generation.errors import UserError
from tests.cluster.test_cli_errors import labelmill
from tests.denoise.dedup.cases import ROWS, contents, rows_table, write_rows


def wishes(folder: Path, **changes: Any) -> Wishes:
    return Wishes(**{"inputs": [str(folder / "in")], "out": str(folder / "out"), **changes})


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"inputs": ["/nowhere"]}, "/nowhere: no such file or folder"),
        ({"text": "body"}, "column 'body' is missing; got 'id, text, label, more'"),
        ({"text": "id"}, "column 'id' must hold strings; got int64"),
        ({"label": "topic"}, "--label: there is no column 'topic'; the files have id, text, label, more"),
        ({"id": "more"}, "--id: must be a column of strings or integers; got 'more', which is list<"),
        ({"prefer": "label"}, "--prefer: must be a column of numbers; got 'label', which is string"),
        ({"out": "full"}, "full: must be a new or an empty folder; it holds 'file'"),
        ({"index_out": "full"}, "--index-out: .*full must be new, empty, or the index of --against; it holds 'file'"),
    ],
)
def test_refusals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], said: str) -> None:
    monkeypatch.chdir(tmp_path)
    write_rows(tmp_path / "in", rows_table(), [10])
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    with pytest.raises(UserError, match=said):
        plan(wishes(tmp_path, **changes))
    assert not (tmp_path / "out").exists()


def test_columns_called_label_and_id_are_taken_if_there_are_such(tmp_path: Path) -> None:
    write_rows(tmp_path / "in", rows_table(), [10])
    assert vars(plan(wishes(tmp_path)).columns) == {"text": "text", "label": "label", "id": "id", "prefer": None}
    pq.write_table(pa.table({"text": ["x"]}), tmp_path / "bare.parquet")
    found = plan(wishes(tmp_path, inputs=[str(tmp_path / "bare.parquet")])).columns
    assert vars(found) == {"text": "text", "label": None, "id": None, "prefer": None}


def dies_at(stage: str) -> Callable[[str], None]:
    """Hears of stages, and is interrupted at one."""

    def say(told: str) -> None:
        if told == stage:
            raise KeyboardInterrupt

    return say


def test_a_call_that_fails_takes_away_the_index_that_it_wrote_elsewhere(ray_session: None, tmp_path: Path) -> None:
    write_rows(tmp_path / "in", rows_table(), [10])
    asked = wishes(tmp_path, index_out=str(tmp_path / "index"), explain=True)
    for stage in ("write", "explain"):  # before and after the index counts
        with pytest.raises(KeyboardInterrupt):
            run(plan(asked), 1, None, dies_at(stage))
        assert [*(tmp_path / "index").iterdir()] == [*(tmp_path / "out").glob("*")] == []
    assert run(plan(asked), 1, None, print)["index_rows"] == 6


def test_a_call_that_fails_leaves_the_index_that_was_to_grow(ray_session: None, tmp_path: Path) -> None:
    write_rows(tmp_path / "a", rows_table(ROWS[:5]), [5])
    write_rows(tmp_path / "b", rows_table(ROWS[5:]), [5])
    old = tmp_path / "old" / "index"
    run(plan(wishes(tmp_path, inputs=[str(tmp_path / "a")], out=str(tmp_path / "old"))), 1, None, print)
    before = contents(old)
    asked = wishes(tmp_path, inputs=[str(tmp_path / "b")], against=str(old), index_out=str(old))
    with pytest.raises(KeyboardInterrupt):
        run(plan(asked), 1, None, dies_at("write"))
    assert before.items() <= contents(old).items()
    assert run(plan(asked), 1, None, print)["index_rows"] == 6


def test_the_command(tmp_path: Path) -> None:
    write_rows(tmp_path / "in", rows_table(), [10])
    options = ["--workers", "1", "--explain", "--json", "found.json", "--pair-memory", "0"]
    done = labelmill(tmp_path, ["dedup", "in", "out", *options])
    assert done.returncode == 0, done.stderr
    assert "kept              6, of these 1 at odds with another row's label" in done.stdout
    assert "      0.65    0.859" in done.stdout
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["decisions", "index", "kept", "summary.json"]
    found = json.loads((tmp_path / "found.json").read_text())
    assert found == json.loads((tmp_path / "out" / "summary.json").read_text())
    assert (found["rows"], found["kept"], found["settings"]["threshold"]) == (10, 6, 0.65)
    assert found["star_passes"] is not None  # the workers decided
    assert found["explain"]["planted"][0]["copies"] == 4
    again = labelmill(tmp_path, ["dedup", "in", "out"])
    said = "labelmill: out: must be a new or an empty folder; it holds 'decisions'\n"
    assert (again.returncode, again.stderr) == (2, said)
