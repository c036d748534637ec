"""Training a student: our loop beside the Hugging Face Trainer, on the same encoder, rows and batches.

    python benchmarks/student_speed.py --data DATA --rounds 3 --json student_speed.json

Every turn is a process of its own, so that peaks of memory are its own too; the loops take turns. Rates are those of
the steps after the first five. The Trainer pads each batch to its longest row, its default, in float32 and in bfloat16.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated, Any

os.environ |= {"OMP_WAIT_POLICY": "PASSIVE", "KMP_BLOCKTIME": "0", "HF_HUB_OFFLINE": "1"}

import typer
from yardstick.sets import read_set

LOOPS = ("labelmill", "Trainer, float32", "Trainer, bfloat16")
BATCH, WARM_UP = 16, 5


def main(
    data: Annotated[Path, typer.Option(help="folder of the real sets")],
    set_: Annotated[str, typer.Option("--set")] = "banking77",
    steps: Annotated[int, typer.Option(min=10)] = 60,
    rounds: Annotated[int, typer.Option(min=1)] = 3,
    json_file: Annotated[Path | None, typer.Option("--json")] = None,
    loop: Annotated[str | None, typer.Option(hidden=True)] = None,
) -> None:
    """Let the loops take turns, print a Markdown table of medians."""
    if loop is not None:
        print(json.dumps(turn(loop, data, set_, steps)))
        return
    found: dict[str, list[dict[str, float]]] = {name: [] for name in LOOPS}
    for _ in range(rounds):
        for name in LOOPS:
            found[name].append(apart(name, data, set_, steps))
    print(f"{set_}, batches of {BATCH}, {steps} steps, {rounds} round(s)\n")
    print("| loop | rows/s | to ours | peak memory, MB |\n| --- | ---: | ---: | ---: |")
    for name, each in found.items():
        speed, memory = (statistics.median(one[what] for one in each) for what in ("rows_per_second", "megabytes"))
        ratio = statistics.median(
            one["rows_per_second"] / ours["rows_per_second"] for one, ours in zip(each, found[LOOPS[0]], strict=True)
        )
        print(f"| {name} | {speed:.0f} | {ratio:.2f} | {memory:.0f} |")
    if json_file:
        json_file.write_text(json.dumps(found, indent=2) + "\n")


def apart(name: str, data: Path, set_: str, steps: int) -> dict[str, float]:
    """One turn in a process of its own."""
    command = [sys.executable, __file__, "--data", str(data), "--set", set_, "--steps", str(steps), "--loop", name]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def turn(name: str, data: Path, set_: str, steps: int) -> dict[str, float]:
    """Rows per second, and the peak of the process's resident memory."""
    from training.device import prepare_process

    prepare_process()
    real = read_set(set_, data)
    rows = [(row.text, str(row.label)) for row in real.train[: (steps + 1) * BATCH]]
    labels = tuple(label.name for label in real.labels)
    ends = ours(rows, labels, steps) if name == LOOPS[0] else trainers(rows, labels, steps, name.endswith("bfloat16"))
    seconds = (ends[-1] - ends[WARM_UP]) / (len(ends) - 1 - WARM_UP)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"rows_per_second": BATCH / seconds, "megabytes": peak}


def ours(rows: list[tuple[str, str]], labels: tuple[str, ...], steps: int) -> list[float]:
    """When each step of the student's own loop ended."""
    from generation.models import EMBEDDED_ENCODER, resolve_model
    from training.job import StudentJob, TrainingRow
    from training.settings import StudentSettings
    from training.trainer import StudentTrainer

    settings = StudentSettings(steps=steps, batch_size=BATCH)
    seeds = tuple(TrainingRow(*row) for row in rows)
    folder = Path(tempfile.gettempdir()) / "labelmill-student-speed"
    trainer = StudentTrainer(StudentJob(labels, seeds, resolve_model(EMBEDDED_ENCODER), folder, settings))
    ends = []
    while not trainer.finished:
        trainer.step()
        ends.append(time.perf_counter())
    return ends


def trainers(rows: list[tuple[str, str]], labels: tuple[str, ...], steps: int, half: bool) -> list[float]:
    """When each step of the Hugging Face Trainer ended."""
    from transformers import (
        AutoModelForSequenceClassification,
        AutoTokenizer,
        DataCollatorWithPadding,
        Trainer,
        TrainerCallback,
        TrainingArguments,
    )

    from generation.models import EMBEDDED_ENCODER, resolve_model
    from training.settings import StudentSettings

    folder = resolve_model(EMBEDDED_ENCODER)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForSequenceClassification.from_pretrained(folder, num_labels=len(labels))
    length = StudentSettings().max_length
    read = tokenizer([text for text, _ in rows], truncation=True, max_length=length)
    items = [
        {"input_ids": ids, "attention_mask": mask, "labels": labels.index(label)}
        for ids, mask, (_, label) in zip(read["input_ids"], read["attention_mask"], rows, strict=True)
    ]
    ends: list[float] = []

    class Clock(TrainerCallback):
        def on_step_end(self, *args: Any, **kwargs: Any) -> None:
            ends.append(time.perf_counter())

    with tempfile.TemporaryDirectory() as scratch:
        arguments = TrainingArguments(
            scratch,
            max_steps=steps,
            per_device_train_batch_size=BATCH,
            learning_rate=1e-4,
            bf16=half,
            use_cpu=True,
            save_strategy="no",
            logging_strategy="no",
            report_to="none",
            disable_tqdm=True,
        )
        collator = DataCollatorWithPadding(tokenizer)
        Trainer(model, arguments, train_dataset=items, data_collator=collator, callbacks=[Clock()]).train()
    return ends


if __name__ == "__main__":
    typer.run(main)
