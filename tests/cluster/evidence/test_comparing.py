"""What two hand-made runs, and two versions of one, differ in: exact counts and intervals."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cluster.dataset import materialise
from cluster.evidence.compare_text import render_comparison
from cluster.evidence.comparing import compare, settings_between, students_between, texts_between
from cluster.evidence.sides import Side, read_side
from cluster.promotion import promote
from cluster.store import Store
from denoise.audit.intervals import difference, paired_difference
from generation.errors import UserError
from tests.cluster.audit.cases import make_run, say
from tests.cluster.cases import RUN_ID
from tests.cluster.test_cli_errors import labelmill


@pytest.fixture
def two(tmp_path: Path) -> tuple[Store, Store]:
    stores = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        stores.append(Store(tmp_path / name))
        make_run(stores[-1], rows=12)
    return stores[0], stores[1]


def test_a_run_and_itself(two: tuple[Store, Store]) -> None:
    told = compare(*(read_side(str(two[0].root)) for _ in range(2)))
    assert (told["settings"], told["student"]) == ({}, None)
    assert told["labels"] == {"neg": [6, 6], "pos": [6, 6]}
    assert told["fates"] == {"made": [12, 12], "kept": [12, 12], "reasons": {}}
    assert told["texts"] == {"common": 12, "only": [0, 0], "moved": 0, "examples": []}
    assert told["diversity"]["texts"] == 12
    assert all(one == other for one, other in (pair for pair in told["diversity"].values() if isinstance(pair, list)))


def test_the_student_of_a_run_is_the_promoted_one_and_of_a_version_its_own(two: tuple[Store, Store]) -> None:
    store, root = two[0], str(two[0].root)
    make_run(store, rows=12, round_=1)
    for number in (0, 1):
        store.write_json(f"rounds/{number:03d}/metrics.json", {"round": number, "test": {"rows": number + 10}})
    promote(store, 0)
    assert [read_side(said).test() for said in (root, f"{root}@v000", f"{root}@v001")] == [
        {"rows": 10},
        {"rows": 10},
        {"rows": 11},
    ]


def test_labels_that_changed_and_rows_that_fell(two: tuple[Store, Store]) -> None:
    one, other = two
    first, second = other.generated(0, ["id"])["id"].to_pylist()[:2]
    say(other, first, "corrected", label="neg")
    say(other, second, "discarded")
    materialise(other, 0, RUN_ID, lot=0)
    other.write_json(
        "run.json", other.run() | {"config": {"generation": {"temperature": 0.5}, "runtime": {"engines": 2}}}
    )
    told = compare(read_side(str(one.root)), read_side(f"{other.root}@v000-lot000"))
    assert told["settings"] == {"generation.temperature": ["not there", 0.5]}
    assert told["labels"] == {"neg": [6, 6], "pos": [6, 5]}
    assert told["fates"]["reasons"] == {"discarded": [0, 1]}
    assert told["texts"]["common"] == 11 and told["texts"]["only"] == [1, 0]
    assert told["texts"]["examples"] == [{"text": "e0 pos-0.0 0", "labels": ["pos", "neg"]}]
    lines = render_comparison(told).split("\n")
    assert "  generation.temperature: 'not there' -> 0.5" in lines
    assert "  pos -> neg: e0 pos-0.0 0" in lines
    assert any(line.split() == ["lost:", "discarded", "0", "(0.0%)", "1", "(8.3%)"] for line in lines)


def test_two_versions_of_one_run(two: tuple[Store, Store]) -> None:
    make_run(two[0], rows=4, round_=1)
    old, new = (read_side(f"{two[0].root}@{version}") for version in ("v000", "v001"))
    told = compare(old, new)
    assert (old.rounds, new.rounds, told["labels"]) == ([0], [0, 1], {"neg": [6, 8], "pos": [6, 8]})
    with pytest.raises(UserError, match="versions are v000, v001; got 'v007'"):
        read_side(f"{two[0].root}@v007")


def test_a_run_without_a_dataset_counts_what_it_keeps(two: tuple[Store, Store]) -> None:
    assert Side("a", two[0], None).rows().num_rows == 12


def test_settings_by_label() -> None:
    assert settings_between({"a": 1, "b": 2}, {"b": 3, "c": None}) == {
        "a": [1, "not there"],
        "b": [2, 3],
        "c": ["not there", None],
    }


def test_texts() -> None:
    told = texts_between({"x": "pos", "y": "pos"}, {"y": "neg", "z": "neg"})
    assert told == {"common": 1, "only": [1, 1], "moved": 1, "examples": [{"text": "y", "labels": ["pos", "neg"]}]}


def outcome(right: str | None, digest: str = "d") -> dict[str, Any]:
    share = (right or "1110").count("1") / len(right or "1110")
    student = {"accuracy": share, "macro_f1": share, "intervals": {"macro_f1": [share - 0.1, share + 0.2]}}
    return {"rows": len(right or "1110"), "digest": digest, "student": student | ({"right": right} if right else {})}


def test_students_on_the_same_rows_are_compared_pair_by_pair() -> None:
    told = students_between(outcome("1100" * 25), outcome("1110" * 25))
    assert told is not None and told["paired"] and told["accuracy"]["difference"] == 0.25
    # 25.5 and 0.5 of 102: 25 / 102 -+ 1.96 * sqrt(26 - 25**2 / 102) / 102
    assert told["accuracy"]["low"] == pytest.approx(25 / 102 - 1.959964 * (26 - 25**2 / 102) ** 0.5 / 102)
    assert told["accuracy"]["high"] == pytest.approx(25 / 102 + 1.959964 * (26 - 25**2 / 102) ** 0.5 / 102)
    assert told["macro_f1"]["low"] == pytest.approx(0.25 - (0.1**2 + 0.2**2) ** 0.5)


@pytest.mark.parametrize("other", [outcome("1110" * 25, "other rows"), outcome(None) | {"rows": 100}])
def test_others_as_separate_samples(other: dict[str, Any]) -> None:
    told = students_between(outcome("1100" * 25), other)
    assert told is not None and not told["paired"]
    low, high = difference(0.75, 100, 0.5, 100)
    assert (told["accuracy"]["low"], told["accuracy"]["high"]) == (low, high)
    assert students_between(None, other) is None


def test_newcombes_own_example() -> None:
    """56/70 - 48/80: 0.0524 to 0.3339 (Newcombe 1998, table II, method 10)."""
    assert difference(56 / 70, 70, 48 / 80, 80) == pytest.approx((0.0524, 0.3339), abs=5e-5)


def test_pairs_that_agree_have_the_narrowest_interval() -> None:
    same = np.ones(98, bool)
    low, high = paired_difference(same, same)
    assert (low, high) == pytest.approx((-1.959964 / 100, 1.959964 / 100))


def test_the_command(two: tuple[Store, Store], tmp_path: Path) -> None:
    done = labelmill(tmp_path, ["diff", "a", "b@v000", "--format", "json"])
    assert [side["rows"] for side in json.loads(done.stdout)["sides"]] == [12, 12]
