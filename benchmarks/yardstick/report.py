"""results.json, results.md and results.svg: what a run of the yardstick leaves for people."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from cluster.job import versions
from yardstick.claim import claim
from yardstick.summary import CONTRASTIVE, SEEDS_ONLY, Difference, Line, Result, bootstrap, differences_of, summarise

TITLES = {
    "probe": "Linear head on the frozen encoder",
    "head": "Linear head on the judge's encoder (`seeds`: on the frozen one)",
    "fine-tune": "Fine-tuned student",
}
_COLUMNS = ("accuracy", "- seeds", "- contrastive", "- best free", "rows", "label right", "distinct-2", "copies")
_COLUMNS += ("tokens", "seconds")
_HEADER = f"| arm | {' | '.join(_COLUMNS)} |"
_RULE = "| --- |" + " ---: |" * len(_COLUMNS)


def write_results(
    out: Path,
    results: Sequence[Result],
    free: Sequence[str],
    oracles: dict[str, float],
    settings: dict[str, Any] | None = None,
) -> None:
    """Write all three files into `out`; `oracles` are the oracle's accuracies by set, `settings` those of the run."""
    out.mkdir(parents=True, exist_ok=True)
    lines = summarise(results, free)
    document = {
        "versions": versions(),
        "cores": os.cpu_count(),
        "settings": settings,
        "oracle_accuracy": oracles,
        "summary": [asdict(line) for line in lines],
        "cells": [asdict(result) for result in results],
    }
    (out / "results.json").write_text(json.dumps(document, indent=1) + "\n")
    (out / "results.md").write_text(markdown(lines, results, oracles))
    plot(lines, out / "results.svg")
    print(f"results  {out / 'results.md'}")


def markdown(lines: Sequence[Line], results: Sequence[Result], oracles: dict[str, float]) -> str:
    """A table per tier over all its sets, and one per tier, set and k."""
    parts = []
    for tier in dict.fromkeys(line.tier for line in lines):
        mine = [each for each in lines if each.tier == tier]
        parts += [f"## {TITLES.get(tier, tier)}\n", overview(mine, results), claim(mine)]
        for name, k in dict.fromkeys((line.set, line.k) for line in lines if line.tier == tier):
            group = [line for line in lines if (line.tier, line.set, line.k) == (tier, name, k)]
            most = max(line.splits for line in group)
            parts.append(f"### {name}, k = {k}\n\n{most} split(s); oracle {oracles[name]:.1f} %\n\n{table(group)}")
    return "\n".join(parts)


def table(group: Sequence[Line]) -> str:
    """One row per arm."""
    return "\n".join([_HEADER, _RULE, *map(_row, group)]) + "\n"


def overview(lines: Sequence[Line], results: Sequence[Result]) -> str:
    """One tier's means over sets, by k: accuracy, differences to seeds, contrastive and each set's best free arm."""
    ks = sorted({line.k for line in lines})
    heads = "".join(f" k = {k} | - seeds | - contrastive | - best free |" for k in ks)
    rows = [f"| arm |{heads}", "| --- |" + " ---: |" * (4 * len(ks))]
    for arm in dict.fromkeys(line.arm for line in lines):
        groups = [[line for line in lines if (line.k, line.arm) == (k, arm)] for k in ks]
        rows.append(f"| {arm} |" + "".join(_over_sets(group, results) for group in groups))
    return "\n".join(rows) + "\n"


def plot(lines: Sequence[Line], path: Path) -> None:
    """Difference to the best free arm with its interval: a panel per tier, set and k."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    groups = list(dict.fromkeys((line.tier, line.set, line.k) for line in lines))
    arms = list(dict.fromkeys(line.arm for line in lines))
    columns = min(4, len(groups))
    shape = -(-len(groups) // columns), columns
    size = (1.6 + 2.6 * shape[1], 0.8 + (0.5 + 0.18 * len(arms)) * shape[0])
    figure, axes = pyplot.subplots(*shape, figsize=size, sharey=True, squeeze=False)
    for axis, group in zip(axes.flat, groups, strict=False):
        axis.axvline(0, color="0.6", linewidth=0.8)
        axis.set_title("{} · {} · k = {}".format(*group), fontsize=8)
        for line in (line for line in lines if (line.tier, line.set, line.k) == group and line.over_free):
            place, difference = -arms.index(line.arm), line.over_free
            if difference.low is not None:
                axis.plot([difference.low, difference.high], [place, place], color="tab:blue", linewidth=1.5)
            axis.plot(difference.mean, place, "o", color="tab:blue", markersize=3.5)
        axis.set_yticks([-place for place in range(len(arms))], arms, fontsize=7)
        axis.tick_params(axis="x", labelsize=7)
        axis.grid(axis="x", color="0.9")
    for axis in axes.flat[len(groups) :]:
        axis.set_visible(False)
    figure.supxlabel("points of accuracy over the best free arm (mean and 95 % interval over splits)", fontsize=8)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)


def _over_sets(lines: Sequence[Line], results: Sequence[Result]) -> str:
    """Four cells of the overview from an arm's `lines`, one a set: accuracy, and its differences."""
    if not lines:
        return " | | | |"
    others: list[Callable[[Line], str | None]] = [
        lambda line: SEEDS_ONLY,
        lambda line: CONTRASTIVE,
        lambda line: line.best_free,
    ]
    accuracy = np.mean([line.accuracy for line in lines])
    return f" {accuracy:.1f} |" + "".join(f" {_mean_over(lines, results, other)} |" for other in others)


def _mean_over(lines: Sequence[Line], results: Sequence[Result], other: Callable[[Line], str | None]) -> str:
    """Mean over `lines` of the difference to another arm on the same tier, set and k."""
    cells: dict[tuple[str, str, int, str | None], dict[int, float]] = defaultdict(dict)
    for result in results:
        cells[result.tier, result.set, result.k, result.arm][result.split] = result.accuracy
    found = []
    for line in lines:
        place = line.tier, line.set, line.k
        found.append(differences_of(cells[*place, line.arm], cells[*place, other(line)]))
    found = [differences for differences in found if len(differences)]
    return _signed(bootstrap(found) if found else None)


def _row(line: Line) -> str:
    measures = line.measures
    cells = [
        line.arm,
        f"{line.accuracy:.1f}",
        _signed(line.over_seeds),
        _signed(line.over_contrastive),
        _signed(line.over_free),
        _plain(measures["rows"] or None, "{:,.0f}"),
        _plain(measures["label_right"], "{:.1f} %"),
        _plain(measures["distinct_2"], "{:.2f}"),
        _plain(measures["copy_rate"], "{:.1%}"),
        _plain(measures["tokens"] or None, "{:,.0f}"),
        _plain(measures["seconds"], "{:,.1f}"),
    ]
    return "| " + " | ".join(cells) + " |"


def _signed(difference: Difference | None) -> str:
    if difference is None:
        return ""
    mean = f"{difference.mean:+.1f}"
    return mean if difference.low is None else f"{mean} [{difference.low:+.1f}, {difference.high:+.1f}]"


def _plain(value: float | None, pattern: str) -> str:
    return "" if value is None else pattern.format(value)
