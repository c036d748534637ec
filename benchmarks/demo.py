"""Is the demo's student ahead of the best seeds-only baseline? The claim that the README quotes.

    python benchmarks/demo.py --seeds 3 --json demo.json

Runs the demo whole, once per random seed (of generation, judge, baseline and student alike), and pairs the student
with the better of the two seeds-only baselines of the same run. A run that is finished is not repeated.
"""

from __future__ import annotations

import json
import statistics
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from cluster import Run
from cluster.job import versions

ROOT = Path(__file__).parents[1]
TASK = ROOT / "examples" / "support_tickets" / "task.yaml"


def main(
    seeds: Annotated[int, typer.Option(min=1, help="how many random seeds")] = 3,
    json_file: Annotated[Path | None, typer.Option("--json", help="where to write the figures")] = None,
    folder: Annotated[Path, typer.Option(help="where the runs are kept")] = Path("runs/benchmark_demo"),
    task: Annotated[Path, typer.Option(help="task file")] = TASK,
    set_: Annotated[list[str] | None, typer.Option("--set", metavar="A.B=VALUE", help="change a setting")] = None,
) -> None:
    """Run, pair, print a Markdown table."""
    results = [measure(task, folder / f"seed-{seed}", seed, set_ or []) for seed in range(seeds)]
    print(table(results))
    if json_file:
        summary = {"mean_difference": mean_difference(results), "versions": versions(), "runs": results}
        json_file.write_text(json.dumps(summary, indent=2) + "\n")


def measure(task: Path, folder: Path, seed: int, overrides: list[str]) -> dict[str, Any]:
    """Figures of one run of the demo; accuracies are shares of the held-out rows."""
    began = time.monotonic()
    run = Run(task, folder, [f"generation.seed={seed}", f"student.seed={seed}", *overrides]).run()
    metrics = run.metrics()
    if metrics is None or metrics["test"] is None:
        raise SystemExit(f"{task}: needs test rows")
    test = metrics["test"]
    return {
        "seed": seed,
        "student": test["student"]["accuracy"],
        **{name: scores["accuracy"] for name, scores in test["baselines"].items()},
        "best_baseline": max(scores["accuracy"] for scores in test["baselines"].values()),
        "accepted": metrics["accepted"],
        "generated": metrics["generated"],
        "tokens": metrics["tokens"],
        "stage_seconds": metrics["seconds"],
        "wall_seconds": round(time.monotonic() - began, 1),
    }


def mean_difference(results: list[dict[str, Any]]) -> float:
    """Mean over runs of student less best baseline, in points."""
    return round(100 * statistics.mean(result["student"] - result["best_baseline"] for result in results), 2)


def table(results: list[dict[str, Any]]) -> str:
    """The runs as Markdown, accuracies in percent."""
    lines = [
        "| seed | plain fine-tuning | contrastive | student | student - best |",
        "| ---: | ---: | ---: | ---: | ---: |",
    ]
    for result in results:
        figures = [100 * result[name] for name in ("plain fine-tuning", "contrastive", "student")]
        difference = 100 * (result["student"] - result["best_baseline"])
        lines.append(
            f"| {result['seed']} | " + " | ".join(f"{each:.1f}" for each in figures) + f" | {difference:+.1f} |"
        )
    return "\n".join([*lines, f"\nmean of student - best seeds-only baseline: {mean_difference(results):+.1f} points"])


if __name__ == "__main__":
    typer.run(main)
