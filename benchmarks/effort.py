"""Does checking buy accuracy? Simulated reviewers look at generated rows, and a student learns from what is released.

    python benchmarks/control.py --data DATA --out runs/control --method prompted --temperature 1.0
    python benchmarks/effort.py --data DATA --rows runs/control

An oracle trained on all real rows stands in for the truth; a reviewer errs in 5 % of the rows that he sees.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import typer
from controls.bench import Bench
from noises.generated import Generated
from noises.reviewed import efforts
from yardstick.cleaning import clean
from yardstick.sets import draw_split, read_set

from denoise.settings import DenoiseSettings
from generation.errors import UserError
from generation.settings import GenerationSettings
from training.adapters.settings import AdapterSettings
from training.device import prepare_process

SETS, SHOTS, VERDICTS = ("banking10", "clinc10"), 8, (0, 30, 100, 300)


def main(
    data: Annotated[Path, typer.Option(help="folder of the real sets")],
    rows: Annotated[Path, typer.Option(help="--out of benchmarks/control.py")],
    set_: Annotated[list[str] | None, typer.Option("--set")] = None,
    split: Annotated[list[int] | None, typer.Option(help="which draws of seeds")] = None,
    method: Annotated[str, typer.Option()] = "prompted",
    temperature: Annotated[float, typer.Option()] = 1.0,
    per_label: Annotated[int, typer.Option(help="--rows of benchmarks/control.py")] = 40,
    repeats: Annotated[int, typer.Option(min=2, help="reviewers of each number of verdicts")] = 10,
    json_file: Annotated[Path | None, typer.Option("--json")] = None,
) -> None:
    """Measure, print a Markdown table."""
    prepare_process()
    bench = Bench(rows, GenerationSettings(), AdapterSettings(), per_label)
    found: list[dict[str, Any]] = []
    try:
        for name in set_ or SETS:
            for number in split or [0]:
                drawn = draw_split(read_set(name, data), SHOTS, number)
                drafts = clean(bench.rows_of((drawn, method, temperature)), drawn.task, DenoiseSettings())
                each = efforts(Generated(drawn, drafts, bench.encoders), VERDICTS, repeats)
                found += [{"set": name, "split": number, "rows": len(drafts)} | asdict(effort) for effort in each]
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(2) from None
    print(table(found))
    if json_file:
        json_file.write_text(json.dumps(found, indent=1) + "\n")


def table(found: list[dict[str, Any]]) -> str:
    """Means over reviewers, with the standard error of the mean behind each figure; heads by their encoder."""
    lines = [
        "| set | rows | verdicts | released | wrong, % | of the surest 75 % | frozen encoder | judge's encoder |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name in dict.fromkeys(each["set"] for each in found):
        for count in sorted({each["verdicts"] for each in found if each["set"] == name}):
            own = [each for each in found if (each["set"], each["verdicts"]) == (name, count)]
            figures = [_mean(own, of) for of in ("wrong", "surest_wrong", "frozen", "tuned")]
            released = float(np.mean([each["released"] for each in own]))
            lines.append(f"| {name} | {own[0]['rows']} | {count} | {released:.0%} | {' | '.join(figures)} |")
    return "\n".join(lines)


def _mean(own: list[dict[str, Any]], of: str) -> str:
    values = np.array([each[of] for each in own])
    error = f" ± {values.std(ddof=1) / np.sqrt(len(values)):.1f}" if len(values) > 1 else ""
    return f"{values.mean():.1f}{error}"


if __name__ == "__main__":
    typer.run(main)
