"""How right is the LM's choice of a label: asked one way, in several, and with its habits taken off?

    python benchmarks/choices.py --data DATA

On real rows of ten labels, with eight seeds a label of which ten are shown. *As it is* takes the likeliest answer,
*batch* takes off what a way says of each label on average over all rows, *content-free* what it says of no text ("N/A"
and the like; Zhao et al. 2021). The last lines are the mean of all ways, as logprobs.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Annotated

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import numpy as np
import typer
from yardstick.sets import draw_split, read_set

from generation.errors import UserError
from generation.methods import make_method
from generation.methods.pseudo_label import PseudoLabel
from generation.models import EMBEDDED_LM, resolve_model
from training.choosing import ChoiceSpec, LabelChooser
from training.device import prepare_process

SHOTS = 8
NO_TEXT = ("N/A", "", "[MASK]")


def main(
    data: Annotated[Path, typer.Option(help="folder of the real sets")],
    set_: Annotated[list[str] | None, typer.Option("--set")] = None,
    rows: Annotated[int, typer.Option(min=10)] = 60,
    ways: Annotated[int, typer.Option(min=1)] = 4,
    json_: Annotated[Path | None, typer.Option("--json", help="write the figures there too")] = None,
) -> None:
    """Print a Markdown table of shares of right labels."""
    prepare_process()
    folder, told = resolve_model(EMBEDDED_LM), []
    method = make_method("pseudo_label", "completion", folder)
    assert isinstance(method, PseudoLabel)
    print("| set | way | as it is | content-free | batch | s a row |\n| --- | --- | ---: | ---: | ---: | ---: |")
    try:
        for name in set_ or ["tune-cards", "banking10"]:
            split = draw_split(read_set(name, data), SHOTS, 0)
            chooser = LabelChooser(ChoiceSpec(split.task, method, folder, ways=ways))
            chosen, began = split.rest[:rows], time.monotonic()
            said = chooser.logprobs([row.text for row in chosen], [split.labels] * len(chosen))
            seconds = (time.monotonic() - began) / len(chosen) / ways
            empty = chooser.logprobs(NO_TEXT, [split.labels] * len(NO_TEXT)).mean(axis=1, keepdims=True)
            true = np.array([split.labels.index(str(row.label)) for row in chosen])
            tables = [said, said - empty, said - said.mean(axis=1, keepdims=True)]
            for way in [*range(ways), None]:
                each = [table.mean(axis=0) if way is None else table[way] for table in tables]
                right = [float(np.mean(table.argmax(axis=1) == true)) for table in each]
                shown = "all" if way is None else str(way)
                cells = " | ".join(f"{share:.2f}" for share in right)
                print(f"| {name} | {shown} | {cells} | {seconds:.2f} |", flush=True)
                told.append({"set": name, "way": shown, "right": right, "seconds": seconds})
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(2) from None
    if json_ is not None:
        json_.write_text(json.dumps(told, indent=1) + "\n")


if __name__ == "__main__":
    typer.run(main)
