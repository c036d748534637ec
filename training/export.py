"""A finished student as a folder to take away: weights, tokenizer, ONNX, and what was found when they were compared."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from generation.errors import Fault, UserError
from generation.location import Location
from training.folders import atomic_folder, local_folder
from training.onnx_export import write_int8, write_onnx
from training.onnx_network import OnnxNetwork
from training.predict import Student
from training.runtimes import FILES
from training.spec import StudentSpec
from training.students.network import Input

EXPORT_FILE, CARD_FILE = "export.json", "README.md"
CLOSE = 1e-3  # probabilities: float32 sums in another order differ by 1e-6


@dataclass(frozen=True)
class Parity:
    """How near an ONNX form comes to torch on `rows` texts.

    `largest`: the largest difference of a probability; `agreement`: share of the texts that get the same answer.
    """

    rows: int
    largest: float
    agreement: float


class Answers(NamedTuple):
    """What each text gets, and the probabilities [u, columns] that it came from."""

    found: list[Any]
    probabilities: np.ndarray


def export_student(
    student: Location, target: Location, texts: Sequence[Input], card: str | None = None, int8: bool = True
) -> dict[str, Parity]:
    """Write `target`, whole or not at all, and return the parity of each ONNX form on `texts`.

    The folder opens with transformers as the student's own does. Raises UserError when `target` is there already, and
    Fault when the float32 form says anything else than torch does.
    """
    if (target / EXPORT_FILE).is_file() or (isinstance(target, Path) and target.exists()):
        raise UserError(f"{target}: is there already; name a new folder")
    source = local_folder(student)
    original = Student.load(source)
    expected = _answers(original, texts)
    found: dict[str, Parity] = {}
    with atomic_folder(target) as scratch:
        shutil.copytree(source, scratch, dirs_exist_ok=True)
        (scratch / "onnx").mkdir()
        write_onnx(original.classifier.model, scratch / FILES["onnx"])
        if int8:
            write_int8(scratch / FILES["onnx"], scratch / FILES["int8"])
        for name in ["onnx", *(["int8"] if int8 else [])]:
            found[name] = compare(expected, _answers(load_student(scratch, name), texts))
        if found["onnx"].largest > CLOSE:
            raise Fault(
                f"{target}: ONNX and torch differ by {found['onnx'].largest:.3g} in a probability; not exported"
            )
        (scratch / EXPORT_FILE).write_text(json.dumps({name: asdict(each) for name, each in found.items()}, indent=1))
        if card is not None:
            (scratch / CARD_FILE).write_text(card, encoding="utf-8")
    return found


def load_student(folder: Path, runtime: str = "torch", threads: int | None = None) -> Student:
    """A student as `runtime` runs it; `threads` of ONNX, by default all cores."""
    if runtime == "torch":
        return Student.load(folder)
    spec = StudentSpec.load(folder)
    network: Any = OnnxNetwork(folder / FILES[runtime], folder, spec.kind, spec.max_length, threads)
    return Student(network, spec)


def compare(expected: Answers, got: Answers) -> Parity:
    """How near `got` comes to `expected`."""
    same = [one == other for one, other in zip(expected.found, got.found, strict=True)]
    largest = float(np.abs(expected.probabilities - got.probabilities).max(initial=0.0))
    return Parity(len(same), largest, float(np.mean(same)) if same else 1.0)


def _answers(student: Student, texts: Sequence[Input]) -> Answers:
    encoded = student.classifier.encode(texts)
    probabilities = student.to_probabilities(student.classifier.logits_of(encoded))
    return Answers(student.decide(texts, encoded, probabilities)[0], probabilities)
