"""A training step of 16 short rows: ours beside the usual padded float32 loop.

    python benchmarks/train_step.py --rounds 7 --json train_step.json

The two take turns in one process; medians over the rounds of 10 steps each.
"""

from __future__ import annotations

import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

os.environ |= {"OMP_WAIT_POLICY": "PASSIVE", "KMP_BLOCKTIME": "0"}

import torch
import typer
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from cluster.job import prepare
from generation.models import EMBEDDED_ENCODER, resolve_model
from training.device import prepare_process
from training.job import StudentJob, TrainingRow
from training.settings import StudentSettings
from training.trainer import StudentTrainer

TASK = Path(__file__).parents[1] / "examples" / "support_tickets" / "task.yaml"
BATCH, STEPS = 16, 10


def main(
    rounds: Annotated[int, typer.Option(min=1)] = 7,
    json_file: Annotated[Path | None, typer.Option("--json")] = None,
) -> None:
    """Time both, print a Markdown table."""
    prepare_process()
    job = prepare(TASK)
    seeds = sorted(job.seeds, key=lambda seed: len(seed.text))[: 2 * BATCH]
    rows = tuple(TrainingRow(seed.text, str(seed.label)) for seed in seeds)
    steps = {"labelmill": ours(rows, tuple(job.task.label_names)), "padded float32": naive(rows)}
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for name in steps:
        steps[name]()  # the first step is slow
    for _ in range(rounds):
        for name, step in steps.items():
            began = time.perf_counter()
            for _ in range(STEPS):
                step()
            seconds[name].append((time.perf_counter() - began) / STEPS)
    print(f"16 rows of {sum(len(row.text.split()) for row in rows) / len(rows):.0f} words\n")
    print("| loop | seconds per step, median | least | most |\n| --- | ---: | ---: | ---: |")
    for name, each in seconds.items():
        print(f"| {name} | {statistics.median(each):.3f} | {min(each):.3f} | {max(each):.3f} |")
    if json_file:
        json_file.write_text(json.dumps(seconds, indent=2) + "\n")


def ours(rows: tuple[TrainingRow, ...], labels: tuple[str, ...]) -> Callable[[], None]:
    """One step of the student's own loop."""
    settings = StudentSettings(steps=100_000, batch_size=BATCH)
    folder = Path(tempfile.gettempdir()) / "labelmill-train-step"
    return StudentTrainer(StudentJob(labels, rows, resolve_model(EMBEDDED_ENCODER), folder, settings)).step


def naive(rows: tuple[TrainingRow, ...]) -> Callable[[], None]:
    """One step as tutorials have it: padded to the longest allowed, all weights trained."""
    folder = resolve_model(EMBEDDED_ENCODER)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    labels = sorted({row.label for row in rows})
    model = AutoModelForSequenceClassification.from_pretrained(folder, num_labels=len(labels)).train()
    optimiser = torch.optim.AdamW(model.parameters(), lr=2e-5)

    def step() -> None:
        chosen = rows[:BATCH]
        texts = [row.text for row in chosen]
        batch = tokenizer(texts, padding="max_length", max_length=64, truncation=True, return_tensors="pt")
        targets = torch.tensor([labels.index(row.label) for row in chosen])
        optimiser.zero_grad()
        model(**batch, labels=targets).loss.backward()
        optimiser.step()

    return step


if __name__ == "__main__":
    typer.run(main)
