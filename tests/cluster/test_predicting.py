"""Parquet of any size labelled by a student, through Ray Data."""

from __future__ import annotations

import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cluster.predicting import PLAN_FILE, Predicted, predict_parquet
from generation.errors import UserError
from generation.models import EMBEDDED_ENCODER, resolve_model
from tests.training.cases import LABELS, SEEDS, UNSEEN, rows
from training.job import StudentJob
from training.predict import Student
from training.settings import StudentSettings
from training.trainer import StudentTrainer

TEXTS = [text for text, _ in UNSEEN]
NAMES = {"music": "O"}


@pytest.fixture(scope="module")
def student(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One of its labels is called as tags call what is outside of all spans."""
    folder = tmp_path_factory.mktemp("predicting") / "student"
    settings = StudentSettings(steps=2, batch_size=6)
    labels = tuple(NAMES.get(label, label) for label in LABELS)
    seeds = rows(tuple((text, NAMES.get(label, label)) for text, label in SEEDS))
    StudentTrainer(StudentJob(labels, seeds, resolve_model(EMBEDDED_ENCODER), folder, settings)).run()
    return folder


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    """Six texts and a blank one in two files, four row groups in all."""
    (tmp_path / "in").mkdir()
    for name, given in {"a": [*TEXTS[:3], " "], "b": TEXTS[3:]}.items():
        table = pa.table({"text": given, "number": range(len(given))})
        pq.write_table(table, tmp_path / "in" / f"{name}.parquet", row_group_size=2)
    return tmp_path / "in"


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.parquet"))}


def test_all_rows_get_what_the_student_says(ray_session: None, student: Path, texts: Path, tmp_path: Path) -> None:
    told = []
    found = predict_parquet(student, [str(texts)], str(tmp_path / "out"), told=lambda *each: told.append(each))
    expected, confidence = Student.load(student).predict(TEXTS)
    table = pq.read_table(tmp_path / "out")
    assert table.column_names == ["text", "number", "label", "confidence"]
    assert table["text"].to_pylist() == [*TEXTS[:3], " ", *TEXTS[3:]]
    assert table["label"].to_pylist() == [*expected[:3], None, *expected[3:]]
    assert [each for each in table["confidence"].to_pylist() if each is not None] == pytest.approx(confidence, abs=1e-6)
    counts = {label: expected.count(label) for label in sorted(set(expected))}
    assert counts["O"] > 0
    assert found == Predicted(7, 1, 4, 0, pytest.approx(confidence.mean(), abs=1e-6), counts, {})
    assert told[-1] == (4, 4, 7)


def test_workers_and_resuming_change_nothing(ray_session: None, student: Path, texts: Path, tmp_path: Path) -> None:
    once, twice = tmp_path / "one", tmp_path / "two"
    predict_parquet(student, [str(texts)], str(once), prefix="predicted_")
    predict_parquet(student, [str(texts)], str(twice), prefix="predicted_", workers=2)
    assert contents(once) == contents(twice) and len(contents(once)) == 4
    (twice / "part-000001.parquet").unlink()
    found = predict_parquet(student, [str(texts)], str(twice), prefix="predicted_")
    assert (found.parts, found.resumed, found.rows) == (4, 3, 7) and contents(once) == contents(twice)
    with pytest.raises(UserError, match="two: holds predictions of another student, input or options"):
        predict_parquet(student, [str(texts)], str(twice))


def test_a_corrupt_part_is_counted(ray_session: None, student: Path, texts: Path, tmp_path: Path) -> None:
    (texts / "c.parquet").write_bytes(b"no Parquet at all")
    with pytest.raises(UserError, match=r"c\.parquet: not valid Parquet"):
        predict_parquet(student, [str(texts)], str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()
    data = bytearray((texts / "b.parquet").read_bytes())
    data[4:40] = bytes(36)
    (texts / "d.parquet").write_bytes(data)  # its footer is whole
    group = f"{texts / 'd.parquet'} row group 0"
    with pytest.raises(UserError, match=f"^{re.escape(group)}: cannot be read: .*; --skip-corrupt leaves it out$"):
        predict_parquet(student, [str(texts / "d.parquet")], str(tmp_path / "one"))
    found = predict_parquet(student, [str(texts)], str(tmp_path / "out"), skip_corrupt=True)
    assert found.rows == 8 and list(found.skipped) == [str(texts / "c.parquet"), group]


def test_refusals(student: Path, texts: Path, tmp_path: Path) -> None:
    out = str(tmp_path / "out")
    with pytest.raises(UserError, match=r"a\.parquet: column 'body' is missing; got 'text, number'"):
        predict_parquet(student, [str(texts)], out, text="body")
    pq.write_table(pa.table({"text": ["x"], "label": ["y"]}), tmp_path / "taken.parquet")
    with pytest.raises(UserError, match=r"taken\.parquet: has a column 'label' already; add --prefix predicted_"):
        predict_parquet(student, [str(tmp_path / "taken.parquet")], out)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("x")
    with pytest.raises(
        UserError, match=r"out: must be new or hold an earlier call's predictions; got 'mine\.txt' in it"
    ):
        predict_parquet(student, [str(texts)], out)
    assert not (tmp_path / "out" / PLAN_FILE).exists()
