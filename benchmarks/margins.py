"""Does the label margin find wrong labels? Against an oracle's labels, beside the judge's probability.

    python benchmarks/margins.py --data DATA --method control_codes

Takes the rows (and adapters) of benchmarks/control.py with the same --out, and makes those that are missing.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Annotated

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("KMP_BLOCKTIME", "0")

import numpy as np
import typer
from controls.bench import Bench
from sklearn.metrics import roc_auc_score
from yardstick.cleaning import clean
from yardstick.sets import draw_split, read_set

from cluster.wave_steps import MARGIN_EXEMPLARS
from denoise.noise.margin import compared_labels
from denoise.settings import DenoiseSettings
from generation.errors import UserError
from generation.methods import make_method
from generation.settings import GenerationSettings
from training.adapters.settings import AdapterSettings
from training.device import prepare_process
from training.likelihood import LabelLikelihood, LikelihoodSpec
from training.margins import label_margins

SHOTS = 8


def main(
    data: Annotated[Path, typer.Option(help="folder of the real sets")],
    out: Annotated[Path, typer.Option()] = Path("runs/control"),
    set_: Annotated[list[str] | None, typer.Option("--set")] = None,
    method: Annotated[str, typer.Option()] = "control_codes",
    temperature: Annotated[float, typer.Option()] = 1.0,
    rows: Annotated[int, typer.Option(min=8, help="generated rows per label")] = 40,
) -> None:
    """Print a Markdown table: areas under the ROC curve, and how right the surest halves are."""
    prepare_process()
    bench = Bench(out, GenerationSettings(), AdapterSettings(), rows)
    try:
        splits = [draw_split(read_set(name, data), SHOTS, 0) for name in set_ or ["banking10", "clinc10"]]
        bench.generate([(split, method, temperature) for split in splits])
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(2) from None
    print("| set | rows | right, % | AUC judge | AUC margin | surest half by judge | by margin | ms a row |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for split in splits:
        drafts = clean(bench.rows_of((split, method, temperature)), split.task, DenoiseSettings())
        texts, intended = [draft.text for draft in drafts], [draft.label for draft in drafts]
        true = bench.encoders.oracle(split.real).predict(bench.encoders.frozen.of(texts))
        right = np.array([one == other for one, other in zip(true, intended, strict=True)])
        judged = bench.encoders.judge(split).probabilities(texts)
        own = [split.labels.index(label) for label in intended]
        sure = judged[np.arange(len(own)), own]
        asked, adapters = make_method(method, "completion", bench.model), bench.adapters(split, method)
        likelihood = LabelLikelihood(LikelihoodSpec(split.task, asked, bench.model, adapters, MARGIN_EXEMPLARS))
        began = time.monotonic()
        found = likelihood.mean_logprobs(texts, compared_labels(intended, judged, split.labels))
        took = time.monotonic() - began
        margins = label_margins(found, own)
        figures = [roc_auc_score(right, sure), roc_auc_score(right, margins)]
        halves = [100 * right[scores >= np.median(scores)].mean() for scores in (sure, margins)]
        shown = " | ".join(f"{value:.2f}" for value in figures) + " | " + " | ".join(f"{v:.1f} %" for v in halves)
        head = f"{split.real.name} | {len(texts)} | {100 * right.mean():.1f}"
        print(f"| {head} | {shown} | {1000 * took / len(texts):.0f} |", flush=True)


if __name__ == "__main__":
    typer.run(main)
