"""How many rows that people wrote would each filter drop? Such a row is a false alarm, or nearly always.

    python benchmarks/filters.py --data DATA

DATA has the folders banking77, hwu64, clinc150, nlupp and rte. Every row of a set counts but those that serve as seeds,
ten of a label; each filter is asked by itself.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import pyarrow as pa
import typer

from denoise.filters.settings import FilterSettings
from denoise.filters.table import as_seen, filter_reasons, named_filters
from denoise.settings import DenoiseSettings
from generation.errors import UserError
from generation.items import read_items
from generation.kinds.pair import join
from generation.task import Example, Label, Task

SEEDS = 10
# what is off by default, to see what it would cost
MORE = {
    "label_leak (anywhere)": ("label_leak", {"label_leak": "anywhere"}),
    "language (confidence 0.5)": ("language", {"language_confidence": 0.5}),
    "toxicity (0.95)": ("toxicity", {"toxicity": 0.95}),
    "toxicity (0.5)": ("toxicity", {"toxicity": 0.5}),
}


def _labelled(row: Mapping[str, Any]) -> Example:
    return Example(row["text"], row["label"])


def _first_intent(row: Mapping[str, Any]) -> Example:
    return Example(row["text"], row["labels"][0] if row["labels"] else "none")


def _pair(row: Mapping[str, Any]) -> Example:
    return Example(join(row["premise"], row["hypothesis"]), row.get("label") or "unlabelled")


SETS: dict[str, tuple[tuple[str, ...], str, Callable[[Mapping[str, Any]], Example]]] = {
    "banking77": (("train", "test"), "Questions that customers of an online bank ask its support.", _labelled),
    "hwu64": (("train", "dev", "test"), "Commands and questions to a home assistant.", _labelled),
    "clinc150": (("train", "dev", "test"), "Requests to a voice assistant.", _labelled),
    "nlupp": (("banking/all", "hotels/all"), "What customers tell a bank or a hotel.", _first_intent),
    "rte": (("train", "dev", "test_unlabelled"), "A passage and a sentence that may follow from it.", _pair),
}


def main(
    data: Annotated[Path, typer.Option(help="folder of the real sets")],
    set_: Annotated[list[str] | None, typer.Option("--set")] = None,
    show: Annotated[
        str | None, typer.Option(help="print the rows that this filter drops, in place of the table")
    ] = None,
    file: Annotated[Path | None, typer.Option("--json", help="write the shares here too")] = None,
) -> None:
    """Print a Markdown table: the share of real rows that each filter drops, in percent."""
    settings = DenoiseSettings()
    shares: dict[str, dict[str, float]] = defaultdict(dict)
    try:
        for name in set_ or list(SETS):
            task, rows = _read(name, data)
            batch = as_seen(pa.table({"text": [row.text for row in rows], "label": [row.label for row in rows]}))
            for rule, reasons in _answers(task, settings, batch, show).items():
                shares[rule][name] = 1 - reasons.null_count / len(reasons)
                if rule == show:
                    _print_dropped(name, batch, reasons)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(2) from None
    if show is None:
        _print_table(shares, list(shares["parse"]))
    if file is not None:
        file.write_text(json.dumps(shares, indent=1) + "\n", encoding="utf-8")


def _read(name: str, data: Path) -> tuple[Task, list[Example]]:
    """A task of the set's own labels with its first rows as seeds, and the other rows."""
    files, description, read = SETS[name]
    found = [read(row) for each in files for _, row in read_items(data / name / f"{each}.jsonl")[1]]
    seeds: dict[str, list[Example]] = defaultdict(list)
    rows: list[Example] = []
    for row in found:
        few = len(seeds[str(row.label)]) < SEEDS
        (seeds[str(row.label)] if few else rows).append(row)
    words = {label: label.replace("_", " ").strip("?").lower() for label in seeds}
    labels = tuple(Label(name=label, description=f"something said about {words[label]}") for label in sorted(seeds))
    return Task(name, description, labels, tuple(row for label in sorted(seeds) for row in seeds[label])), rows


def _answers(task: Task, settings: DenoiseSettings, batch: pa.Table, only: str | None) -> dict[str, pa.Array]:
    rules = named_filters(settings, task)
    if only in rules:
        return {only: filter_reasons(batch, [rules[only]])}
    answers = {name: filter_reasons(batch, [rule]) for name, rule in rules.items()}
    unasked = [rule for name, rule in rules.items() if name != "seed_copy"]
    answers["all of these but seed_copy"] = filter_reasons(batch, unasked)
    for shown, (name, change) in MORE.items():
        other = settings.model_copy(update={"filters": FilterSettings(**change)})
        answers[shown] = filter_reasons(batch, [named_filters(other, task)[name]])
    return answers


def _print_dropped(name: str, batch: pa.Table, reasons: pa.Array) -> None:
    for text, reason in zip(batch["text"].to_pylist(), reasons.to_pylist(), strict=True):
        if reason is not None:
            print(f"{name}  {reason}  {' '.join(text.split())[:200]}")


def _print_table(shares: Mapping[str, Mapping[str, float]], sets: list[str]) -> None:
    print(f"| filter | {' | '.join(sets)} |")
    print(f"| --- |{' ---: |' * len(sets)}")
    for name, found in shares.items():
        print(f"| {name} | {' | '.join(f'{100 * found[each]:.2f}' for each in sets)} |")


if __name__ == "__main__":
    typer.run(main)
