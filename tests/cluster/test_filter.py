from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cluster.filter import FilterCommand, filter_parquet
from cluster.filter_summary import render_summary
from generation.errors import UserError
from tests.cluster.cases import write_task

TEXTS = ["what a good day", "I like it so much, really", "Sure, here it is", "nice", "call 415-555-2671"]
LABELS = ["pos", "pos", "neg", "pos", "neg"]


@pytest.fixture
def parts(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    columns = {"id": [f"r{number}" for number in range(5)], "text": TEXTS, "label": LABELS}
    pq.write_table(pa.table(columns), tmp_path / "in" / "part.parquet")
    return tmp_path


def command(folder: Path, **changes: Any) -> FilterCommand:
    return FilterCommand((str(folder / "in"),), str(folder / "out"), **{"workers": 1, **changes})


def reasons(folder: Path) -> list[str | None]:
    return pq.read_table(folder / "out" / "decisions")["reason"].to_pylist()


def test_a_folder_is_filtered_and_summed_up(ray_session: None, parts: Path) -> None:
    summary = filter_parquet(command(parts))
    assert reasons(parts) == [None, None, "assistant_phrase", None, "personal_phone"]
    assert pq.read_table(parts / "out" / "kept")["id"].to_pylist() == ["r0", "r1", "r3"]
    assert json.loads((parts / "out" / "summary.json").read_text()) == summary
    assert (summary["rows"], summary["kept"], summary["corrupt"]) == (5, 3, [])
    assert summary["reasons"] == {
        "assistant_phrase": {"rows": 1, "examples": [{"id": "r2", "text": TEXTS[2]}]},
        "personal_phone": {"rows": 1, "examples": [{"id": "r4", "text": "call <phone>"}]},
    }
    assert summary["labels"] == {
        "neg": {"rows": 2, "kept": 0, "reasons": {"assistant_phrase": 1, "personal_phone": 1}},
        "pos": {"rows": 3, "kept": 3, "reasons": {}},
    }
    assert render_summary(summary).splitlines() == [
        "3 of 5 rows kept (60.0%)",
        "  assistant_phrase             1   20.0%  'Sure, here it is'",
        "  personal_phone               1   20.0%  'call <phone>'",
    ]
    assert sorted(path.name for path in parts.iterdir()) == ["in", "out"]


def test_a_task_brings_its_settings_labels_and_seeds(ray_session: None, parts: Path) -> None:
    task = write_task(parts, denoise={"min_words": 2, "filters": {"rules": {"really": "normal LIKE '%really'"}}})
    filter_parquet(command(parts, config=task))
    assert reasons(parts) == ["copies_seed", "really", "assistant_phrase", "too_short", "personal_phone"]


def test_settings_alone_and_filters_by_name(ray_session: None, parts: Path) -> None:
    (parts / "some.yaml").write_text("min_words: 2\nfilters:\n  rules:\n    good: text LIKE '%good%'\n")
    summary = filter_parquet(command(parts, config=parts / "some.yaml", only=("length", "rules.good")))
    assert reasons(parts) == ["good", None, None, "too_short", None]
    assert summary["filters"] == ["length", "rules.good"]


def good(batch: pa.Table) -> list[str | None]:
    """A filter of the user's."""
    return ["good" if "good" in text else None for text in batch["text"].to_pylist()]


def test_code_runs_where_it_is_allowed(ray_session: None, parts: Path) -> None:
    (parts / "some.yaml").write_text("filters:\n  code: ['tests.cluster.test_filter:good']\n")
    only = ("code.tests.cluster.test_filter:good",)
    filter_parquet(command(parts, config=parts / "some.yaml", allow_code=True, only=only))
    assert reasons(parts) == ["good", None, None, None, None]


@pytest.mark.parametrize(
    ("changes", "settings", "problem"),
    [
        ({"text": "body"}, "", "column 'body' is missing; got 'id, text, label'"),
        ({"label": "kind"}, "", "column 'kind' is missing"),
        ({"only": ("lenght",)}, "", "--only lenght: no such filter with these settings; did you mean 'length'"),
        ({}, "min_wrods: 2", "min_wrods: unknown setting; did you mean 'min_words'"),
        ({}, "- 2", "must be a mapping of settings"),
        ({}, "filters: {rules: {x: 'colour = 1'}}", "filters.rules: x: .*colour"),
        ({}, "filters: {code: ['a:b']}", r"filters.code: runs Python \(a:b\): allow it with --allow-code"),
        ({"allow_code": True}, "filters: {code: ['no_such_module:b']}", "cannot be imported: No module named"),
        ({}, "filters: {perplexity: 3}", "has no column 'mean_logprob', which denoise.filters.perplexity needs"),
    ],
)
def test_mistakes_are_named_before_anything_is_written(
    parts: Path, changes: dict[str, Any], settings: str, problem: str
) -> None:
    if settings:
        (parts / "some.yaml").write_text(settings)
        changes = {**changes, "config": parts / "some.yaml"}
    with pytest.raises(UserError, match=problem):
        filter_parquet(command(parts, **changes))
    assert not (parts / "out").exists()


def test_what_is_there_is_not_written_over(parts: Path) -> None:
    (parts / "out").mkdir()
    (parts / "out" / "mine.txt").write_text("keep")
    with pytest.raises(UserError, match=r"out: must be a new or an empty folder; it holds 'mine\.txt'"):
        filter_parquet(command(parts))


def test_a_failed_command_leaves_nothing(ray_session: None, parts: Path) -> None:
    (parts / "in" / "part2.parquet").write_bytes((parts / "in" / "part.parquet").read_bytes())
    data = bytearray((parts / "in" / "part2.parquet").read_bytes())
    data[4:40] = bytes(36)
    (parts / "in" / "part2.parquet").write_bytes(data)
    with pytest.raises(UserError, match=r"part2\.parquet row group 0: cannot be read: .*--skip-corrupt leaves it out"):
        filter_parquet(command(parts))
    assert sorted(path.name for path in parts.iterdir()) == ["in"]
    summary = filter_parquet(command(parts, skip_corrupt=True))
    assert (summary["rows"], len(summary["corrupt"])) == (5, 1)
    assert render_summary(summary).splitlines()[-1].startswith("1 corrupt parts left out: ")


def test_where_every_part_is_corrupt_there_is_nothing_to_filter(ray_session: None, parts: Path) -> None:
    data = bytearray((parts / "in" / "part.parquet").read_bytes())
    data[4:40] = bytes(36)
    (parts / "in" / "part.parquet").write_bytes(data)
    with pytest.raises(UserError, match=r"part\.parquet row group 0: cannot be read: .*there is nothing to filter"):
        filter_parquet(command(parts, skip_corrupt=True))
    assert sorted(path.name for path in parts.iterdir()) == ["in"]
