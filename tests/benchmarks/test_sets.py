from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from yardstick.sets import SETS, RealSet, SetSpec, draw_split, load_set, read_set

from generation.errors import UserError

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"


def test_a_set_has_its_labels_alone_and_no_train_row_of_the_test(house: RealSet):
    assert [label.name for label in house.labels] == ["door", "window"]
    assert house.labels[0].description == "an order about the door"
    assert [row.text for row in house.test] == ["Please OPEN the kitchen door!", "who broke the window"]
    assert len(house.train) == 23
    assert "please open the kitchen door" not in [row.text for row in house.train]


def test_a_split_repeats_and_its_parts_do_not_overlap(house: RealSet):
    split = draw_split(house, 5, 3)
    assert split == draw_split(house, 5, 3)
    assert Counter(seed.label for seed in split.seeds) == {"door": 5, "window": 5}
    assert not {row.text for row in split.rest} & {row.text for row in draw_split(house, 10, 3).seeds}
    assert [row.label for row in split.unlabelled] == [None] * len(split.rest)


def test_fewer_seeds_are_a_part_of_more(house: RealSet):
    assert set(draw_split(house, 5, 1).seeds) < set(draw_split(house, 10, 1).seeds)


def test_another_number_draws_other_seeds(house: RealSet):
    assert set(draw_split(house, 5, 0).seeds) != set(draw_split(house, 5, 1).seeds)


def test_what_cannot_be_drawn_is_said(house: RealSet, data: Path):
    with pytest.raises(UserError, match=r"--k: must be from 1 to 10; got 11"):
        draw_split(house, 11, 0)
    roof = load_set("house", SetSpec("house", ("", "{words}"), ("door", "roof")), data)
    with pytest.raises(UserError, match=r"house: label 'roof' must have 10 train rows; got 1"):
        draw_split(roof, 5, 0)


def test_a_missing_folder_is_said(data: Path):
    with pytest.raises(UserError, match=r"--data: .* must hold a folder 'hwu64'"):
        read_set("hwu64", data)


@pytest.mark.skipif(not SHARED.is_dir(), reason="the real sets are not beside this checkout")
@pytest.mark.parametrize(
    ("name", "labels", "test"),
    [
        ("banking10", 10, 400),
        ("clinc10", 10, 300),
        ("banking77", 77, 3080),
        ("hwu64", 64, 1076),
        ("clinc150", 150, 4500),
        ("tune-cards", 10, 200),
        ("tune-home", 10, 182),
    ],
)
def test_the_real_sets_are_whole(name: str, labels: int, test: int):
    real = read_set(name, SHARED)
    assert (len(real.labels), len(real.test)) == (labels, test)
    assert len(draw_split(real, 10, 9).seeds) == 10 * labels


def test_settings_are_chosen_on_no_test_row_of_another_set():
    assert {spec.test for name, spec in SETS.items() if name.startswith("tune-")} == {"dev.jsonl"}
    assert {spec.test for name, spec in SETS.items() if not name.startswith("tune-")} == {"test.jsonl"}
