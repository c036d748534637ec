"""A student that is taken away says the same without torch, and nearly the same with weights of eight bits."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from generation.errors import UserError
from tests.training.cases import LABELS, SEEDS, UNSEEN, rows
from training.export import EXPORT_FILE, Answers, Parity, compare, export_student, load_student
from training.job import StudentJob, TrainingRow
from training.predict import Student
from training.runtimes import choose_runtime
from training.settings import StudentSettings
from training.trainer import StudentTrainer

TEXTS = [text for text, _ in UNSEEN]
SETTINGS = StudentSettings(steps=2, batch_size=6)


@pytest.fixture(scope="session")
def exported(minilm: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, dict[str, Parity]]:
    """A student of single labels, what it was exported to, and how near that comes."""
    folder = tmp_path_factory.mktemp("export")
    job = StudentJob(LABELS, rows(SEEDS), minilm, folder / "student", SETTINGS)
    StudentTrainer(job).run()
    return folder / "student", folder / "out", export_student(folder / "student", folder / "out", TEXTS, "# card\n")


def test_onnx_says_what_torch_says(exported: tuple[Path, Path, dict[str, Parity]]) -> None:
    student, out, parity = exported
    assert parity["onnx"].rows == 6 and parity["onnx"].agreement == 1 and parity["onnx"].largest < 1e-5
    assert parity["int8"].largest < 0.05
    expected = Student.load(student).probabilities(TEXTS)
    np.testing.assert_allclose(load_student(out, "onnx", 1).probabilities(TEXTS), expected, atol=1e-5)
    np.testing.assert_allclose(load_student(out, "torch").probabilities(TEXTS), expected, atol=1e-7)
    assert load_student(out, "int8").predict([])[0] == []


def test_the_folder_is_whole_and_opens_with_transformers(exported: tuple[Path, Path, dict[str, Parity]]) -> None:
    from transformers import AutoModelForSequenceClassification

    _, out, parity = exported
    assert (out / "README.md").read_text() == "# card\n"
    assert json.loads((out / EXPORT_FILE).read_text())["onnx"] == vars(parity["onnx"])
    model = AutoModelForSequenceClassification.from_pretrained(out)
    assert list(model.config.id2label.values()) == list(LABELS)
    sizes = [(out / "onnx" / name).stat().st_size for name in ("model_int8.onnx", "model.onnx")]
    assert sizes[0] < 0.3 * sizes[1]
    with pytest.raises(UserError, match="out: is there already; name a new folder"):
        export_student(exported[0], out, TEXTS)


def test_runtimes(exported: tuple[Path, Path, dict[str, Parity]]) -> None:
    student, out, _ = exported
    assert (choose_runtime(student), choose_runtime(out), choose_runtime(out, "int8")) == ("torch", "onnx", "int8")
    with pytest.raises(UserError, match=r"student: has no onnx/model_int8\.onnx; `labelmill export-student` makes it"):
        choose_runtime(student, "int8")
    with pytest.raises(UserError, match="--runtime: must be one of auto, torch, onnx, int8; got 'tpu'"):
        choose_runtime(out, "tpu")


def test_tags(minilm: Path, tmp_path: Path) -> None:
    tagged = TrainingRow("fly to paris", "city", tokens=("fly", "to", "paris"), tags=("O", "O", "B-city"))
    job = StudentJob(("city", "day"), (tagged,), minilm, tmp_path / "s", SETTINGS, kind="tags")
    StudentTrainer(job).run()
    words = [("on", "monday", "to", "saint-denis"), ("rome",), "from oslo, please"]
    parity = export_student(tmp_path / "s", tmp_path / "out", words, int8=False)
    assert list(parity) == ["onnx"] and parity["onnx"].largest < 1e-5 and parity["onnx"].agreement == 1
    assert load_student(tmp_path / "out", "onnx").columns(words)["tokens"][2] == ["from", "oslo", ",", "please"]


def test_how_near() -> None:
    one = Answers(["a", "b"], np.array([[0.9, 0.1], [0.4, 0.6]]))
    other = Answers(["a", "a"], np.array([[0.8, 0.2], [0.5, 0.5]]))
    assert compare(one, other) == Parity(2, pytest.approx(0.1), 0.5)
