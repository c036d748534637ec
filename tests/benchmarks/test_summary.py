from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from yardstick.report import markdown, write_results
from yardstick.summary import Difference, Result, bootstrap, summarise

FREE = ["seeds", "contrastive", "eda"]


def cell(arm: str, split: int, accuracy: float, **more: float) -> Result:
    return Result("probe", "house", 5, split, arm, "key", accuracy, rows=0, tokens=0, seconds=1.0, **more)


CELLS = [
    *(cell("seeds", split, accuracy) for split, accuracy in enumerate([50.0, 60.0, 70.0])),
    *(cell("contrastive", split, accuracy) for split, accuracy in enumerate([51.0, 61.0, 71.0])),
    *(cell("eda", split, accuracy) for split, accuracy in enumerate([52.0, 62.0, 72.0])),
    *(cell("prompted", split, accuracy, label_right=80.0) for split, accuracy in enumerate([55.0, 65.0, 75.0])),
]


def test_differences_are_paired_by_split():
    seeds, _, eda, prompted = summarise(CELLS, FREE)
    assert (seeds.accuracy, eda.accuracy, prompted.accuracy) == (60.0, 62.0, 65.0)
    assert seeds.over_seeds == Difference(0.0, 0.0, 0.0)
    assert prompted.over_seeds == Difference(5.0, 5.0, 5.0)  # each split says the same, so no resample differs
    assert prompted.over_contrastive == Difference(4.0, 4.0, 4.0)
    assert prompted.over_free == Difference(3.0, 3.0, 3.0)
    assert prompted.best_free == "eda"


def test_measures_are_means_of_what_is_known():
    lines = {line.arm: line.measures for line in summarise(CELLS, FREE)}
    assert lines["prompted"]["label_right"] == 80.0
    assert lines["seeds"]["label_right"] is None
    assert lines["seeds"]["seconds"] == 1.0


def test_a_split_that_one_arm_has_not_is_left_out_of_the_difference():
    lines = {line.arm: line for line in summarise([*CELLS, cell("seeds", 3, 0.0)], FREE)}
    assert lines["seeds"].accuracy == 45.0
    assert lines["prompted"].over_seeds == Difference(5.0, 5.0, 5.0)


def test_the_interval_covers_the_mean_as_often_as_it_says():
    draw = np.random.default_rng(1)
    intervals = [bootstrap([draw.normal(2.0, 1.0, size=40)]) for _ in range(200)]
    covered = np.mean([each.low <= 2.0 <= each.high for each in intervals])
    assert 0.89 <= covered <= 0.98


def test_sets_weigh_the_same_however_many_splits_they_have():
    assert bootstrap([np.array([1.0] * 10), np.array([3.0] * 2)]) == Difference(2.0, 2.0, 2.0)


def test_one_split_has_no_interval():
    assert bootstrap([np.array([1.0] * 10), np.array([3.0])]) == Difference(2.0, None, None)


def test_the_table_reads_as_markdown():
    text = markdown(summarise(CELLS, FREE), CELLS, {"house": 97.25})
    assert "### house, k = 5\n\n3 split(s); oracle 97.2 %\n" in text
    assert "| prompted | 65.0 | +5.0 [+5.0, +5.0] | +4.0 [+4.0, +4.0] | +3.0 [+3.0, +3.0] |" in text
    widths = {line.count("|") for line in text.split("### house")[1].splitlines() if line.startswith("|")}
    assert len(widths) == 1


def test_all_three_files_are_written(tmp_path: Path):
    write_results(tmp_path, CELLS, FREE, {"house": 97.25})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["results.json", "results.md", "results.svg"]
    assert "house" in (tmp_path / "results.svg").read_text()


def test_a_result_is_read_as_it_was_written(tmp_path: Path):
    CELLS[-1].dump(tmp_path / "deep" / "cell.json")
    assert Result.load(tmp_path / "deep" / "cell.json") == CELLS[-1]
    with pytest.raises(FileNotFoundError):
        Result.load(tmp_path / "none.json")
