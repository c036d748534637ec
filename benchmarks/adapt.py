"""How long adapters take to train on the example task: eight labels with eight seeds each.

    python benchmarks/adapt.py --method control_codes --method soft_prompts

Loading the base model, looks at the held-out seeds and sealing included, as a round's training has them.
"""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from typing import Annotated

# idle threads must not spin beside an engine; read when torch loads
os.environ |= {"OMP_WAIT_POLICY": "PASSIVE", "KMP_BLOCKTIME": "0"}

import typer

from cluster.adapters import adapter_job
from cluster.job import prepare
from training.adapters.trainer import AdapterTrainer
from training.device import prepare_process

TASK = Path(__file__).parents[1] / "examples" / "support_tickets" / "task.yaml"


def main(
    method: Annotated[list[str] | None, typer.Option(help="methods that train")] = None,
    task: Annotated[Path, typer.Option()] = TASK,
    change: Annotated[list[str] | None, typer.Option("--set", help="of the task, as in adapt.contrast=1")] = None,
) -> None:
    """Train once with each method, print a Markdown table."""
    prepare_process()
    print("| method | seconds | steps | step kept | seconds a step |\n| --- | ---: | ---: | ---: | ---: |")
    for name in method or ["control_codes", "soft_prompts", "mixture"]:
        job = prepare(task, [f"generation.method={name}", *(change or [])])
        with tempfile.TemporaryDirectory() as folder:
            began = time.monotonic()
            trainer = AdapterTrainer(adapter_job(job, Path(folder) / "adapters"))
            while not trainer.finished:
                trainer.step()
            result = trainer.save()
            took = time.monotonic() - began
        step = result.seconds / result.steps
        print(f"| {name} | {took:.0f} | {result.steps} | {result.best_step} | {step:.2f} |", flush=True)


if __name__ == "__main__":
    typer.run(main)
