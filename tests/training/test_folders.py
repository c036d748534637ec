from pathlib import Path

import pytest

from training.folders import atomic_folder


def test_appears_whole(tmp_path: Path):
    with atomic_folder(tmp_path / "a" / "b") as scratch:
        (scratch / "file").write_text("x")
        assert not (tmp_path / "a" / "b").exists()
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["b"]
    assert (tmp_path / "a" / "b" / "file").read_text() == "x"


def test_an_error_leaves_nothing(tmp_path: Path):
    with pytest.raises(RuntimeError), atomic_folder(tmp_path / "a") as scratch:
        (scratch / "file").write_text("x")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_the_first_of_two_writers_wins(tmp_path: Path):
    with atomic_folder(tmp_path / "a") as late, atomic_folder(tmp_path / "a") as early:
        (early / "who").write_text("early")
        (late / "who").write_text("late")
    assert (tmp_path / "a" / "who").read_text() == "early"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
