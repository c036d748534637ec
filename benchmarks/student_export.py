"""What a student loses and gains as ONNX: right answers on real test rows, and texts per second, beside torch.

    python benchmarks/student_export.py --data DATA --set banking10 --rounds 5 --json student_export.json

The student is trained on real train rows; its exports are made by `export_student`. The runtimes take turns on the same
test rows, each with all cores.
"""

from __future__ import annotations

import json
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Annotated

os.environ |= {"OMP_WAIT_POLICY": "PASSIVE", "KMP_BLOCKTIME": "0", "HF_HUB_OFFLINE": "1"}

import typer
from yardstick.sets import read_set

from generation.models import EMBEDDED_ENCODER, resolve_model
from training.device import prepare_process
from training.export import export_student, load_student
from training.job import StudentJob, TrainingRow
from training.runtimes import RUNTIMES
from training.settings import StudentSettings
from training.trainer import StudentTrainer


def main(
    data: Annotated[Path, typer.Option(help="folder of the real sets")],
    set_: Annotated[list[str] | None, typer.Option("--set")] = None,
    steps: Annotated[int, typer.Option(min=1)] = 150,
    rounds: Annotated[int, typer.Option(min=1)] = 5,
    json_file: Annotated[Path | None, typer.Option("--json")] = None,
) -> None:
    """Train, export, let the runtimes take turns, print a Markdown table."""
    prepare_process()
    found = []
    print("| set | runtime | right | agree with torch | texts/s | to torch | MB |")
    print("| --- | --- | ---: | ---: | ---: | ---: | ---: |")
    for name in set_ or ["banking10", "clinc10"]:
        with tempfile.TemporaryDirectory() as scratch:
            found += measured(name, data, steps, rounds, Path(scratch))
        for each in found[-len(RUNTIMES) :]:
            cells = ("set", "runtime", "right", "agree", "texts_per_second", "ratio", "megabytes")
            shapes = ("{}", "{}", "{:.1f} %", "{:.1f} %", "{:.0f}", "{:.2f}", "{:.0f}")
            row = (shape.format(each[cell]) for shape, cell in zip(shapes, cells, strict=True))
            print(f"| {' | '.join(row)} |", flush=True)
    if json_file:
        json_file.write_text(json.dumps(found, indent=1) + "\n")


def measured(name: str, data: Path, steps: int, rounds: int, scratch: Path) -> list[dict[str, str | float]]:
    """Figures of each runtime on one set."""
    real = read_set(name, data)
    labels = tuple(label.name for label in real.labels)
    rows = tuple(TrainingRow(row.text, str(row.label)) for row in real.train)
    settings = StudentSettings(steps=steps)
    trained = StudentTrainer(StudentJob(labels, rows, resolve_model(EMBEDDED_ENCODER), scratch / "student", settings))
    trained.run()
    texts, gold = [row.text for row in real.test], [row.label for row in real.test]
    export_student(scratch / "student", scratch / "out", texts[:64])
    students = {runtime: load_student(scratch / "out", runtime) for runtime in RUNTIMES}
    answers = {runtime: student.predict(texts)[0] for runtime, student in students.items()}
    seconds: dict[str, list[float]] = {runtime: [] for runtime in RUNTIMES}
    for _ in range(rounds):
        for runtime, student in students.items():
            began = time.perf_counter()
            student.predict(texts)
            seconds[runtime].append(time.perf_counter() - began)
    files = {"torch": "model.safetensors", "onnx": "onnx/model.onnx", "int8": "onnx/model_int8.onnx"}
    return [
        {
            "set": name,
            "runtime": runtime,
            "right": 100 * statistics.mean(one == other for one, other in zip(answers[runtime], gold, strict=True)),
            "agree": 100
            * statistics.mean(one == other for one, other in zip(answers[runtime], answers["torch"], strict=True)),
            "texts_per_second": len(texts) / statistics.median(seconds[runtime]),
            "ratio": statistics.median(
                torch / own for torch, own in zip(seconds["torch"], seconds[runtime], strict=True)
            ),
            "megabytes": (scratch / "out" / files[runtime]).stat().st_size / 1e6,
        }
        for runtime in RUNTIMES
    ]


if __name__ == "__main__":
    typer.run(main)
