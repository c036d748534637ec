"""What an LM that keeps its label more often is worth, and whether a run notices.

    python benchmarks/keeping.py --data DATA --out runs/lift

Of the embedded LM's rows on five seeds a label a share of those with a wrong label is left out, by an oracle: as an LM
would write that errs so much less. *Kept* is the share of rows that are of the label asked for, *estimated* what
denoise/noise/keeping.py makes of it from the judge alone. Students are linear heads on the judge's encoder, from the
rows that labelmill keeps, with `denoise.lm_keeps` at either setting, and from all rows under the label asked for.
Rows and judges are those of lift.py, and are made if they are not there.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import numpy as np
import typer
from lift import Place, Yardstick, benchmark_config
from yardstick.arms import ARMS, Recipe, by_better_lm, is_right, of_better_lm, template
from yardstick.cell import Cell
from yardstick.tiers import TIERS

from denoise.noise.calibration import ALONE, Evidence, numbers_of
from denoise.noise.keeping import share_kept
from generation.errors import UserError
from training.device import prepare_process
from training.job import TrainingRow

SHARES = (1.0, 0.5, 0.1, 0.0)
ROWS = 40


def main(
    data: Annotated[Path, typer.Option(help="folder of the real sets")],
    out: Annotated[Path, typer.Option(help="where rows and judges are kept, as lift.py's")] = Path("runs/lift"),
    set_: Annotated[list[str] | None, typer.Option("--set")] = None,
    split: Annotated[list[int] | None, typer.Option()] = None,
    k: Annotated[int, typer.Option(min=1, help="seeds per label")] = 5,
) -> None:
    """Print a Markdown table of means over sets and splits."""
    prepare_process()
    try:
        yardstick = Yardstick(data, out, benchmark_config([]))
        places = [
            Place(name, k, number, "head", ROWS)
            for name in set_ or ["banking10", "clinc10"]
            for number in split or (0, 1, 2)
        ]
        yardstick.generate([(place, [ARMS["labelmill"]]) for place in places])
        found = [list(rows_of(yardstick.cell_of(place))) for place in places]
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(2) from None
    names = list(found[0][0])
    print("| " + " | ".join(names) + " |\n|" + " ---: |" * len(names))
    for place in range(len(SHARES)):
        means = {name: np.mean([each[place][name] for each in found]) for name in names}
        print("| " + " | ".join(f"{value:.1f}" for value in means.values()) + " |")


def rows_of(cell: Cell) -> Iterator[dict[str, Any]]:
    """The figures of one split, in percent, for each of SHARES."""
    right, numbers = is_right(cell), numbers_of(cell.intended, cell.labels)
    for share in SHARES:
        taken = np.flatnonzero(by_better_lm(cell, share))
        evidence = Evidence((cell.judged[taken],), numbers[taken])
        told = {
            "errors left": 100 * share,
            "kept": 100 * right[taken].mean(),
            "estimated": 100 * share_kept(evidence, ALONE),
        }
        for name in ("usual", "estimated"):
            config = cell.config.model_copy(
                update={"denoise": cell.config.denoise.model_copy(update={"lm_keeps": name})}
            )
            recipe = of_better_lm(replace(cell, config=config), share)
            told[f"{name}: right"] = cell.quality(recipe.rows)["label_right"]
            told[f"{name}: student"] = _student(cell, recipe)
        asked = tuple(TrainingRow(cell.texts[place], cell.intended[place]) for place in taken)
        told["as asked: student"] = _student(cell, Recipe(template(cell).rows + asked, generated=True))
        yield told


def _student(cell: Cell, recipe: Recipe) -> float:
    return TIERS["head"](cell, ARMS["labelmill"], recipe)[0]


if __name__ == "__main__":
    typer.run(main)
