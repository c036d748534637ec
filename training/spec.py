"""`student.json`: what a folder of weights does not say of a student. Imports no torch."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from generation.location import Location

SPEC_FILE = "student.json"
THRESHOLD = 0.5


@dataclass(frozen=True)
class StudentSpec:
    """How a student is fed and read.

    `kind` (generation/kinds) and `labels` are the task's. `columns` name the logits' columns: the labels, or, where
    `unit` is "word", BIO tags of them. There is a row of logits for each text, or for each word at its first
    piece. Logits are divided by `temperature`; then `link` makes them probabilities, over the columns ("softmax") or
    each for itself ("sigmoid"), of which those of at least `threshold` count. `calibration_rows` dev rows gave the
    temperature; of none it is 1. Texts are cut at `max_length` tokens.
    """

    kind: str
    labels: tuple[str, ...]
    columns: tuple[str, ...]
    max_length: int
    unit: str = "text"
    link: str = "softmax"
    temperature: float = 1.0
    calibration_rows: int = 0
    threshold: float = THRESHOLD

    def write(self, folder: Path) -> None:
        (folder / SPEC_FILE).write_text(json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n")

    @classmethod
    def load(cls, folder: Location) -> StudentSpec:
        """Raises FileNotFoundError where there is none."""
        values = json.loads((folder / SPEC_FILE).read_text())
        return cls(**{**values, "labels": tuple(values["labels"]), "columns": tuple(values["columns"])})
