"""A comparison as lines for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cluster.visible import visible
from generation.errors import clip


def render_comparison(told: Mapping[str, Any]) -> str:
    """Plain lines; A is the first side."""
    return "\n".join(_lines(told))


def _lines(told: Mapping[str, Any]) -> Iterator[str]:
    for letter, side in zip("AB", told["sides"], strict=True):
        yield f"{letter}  {side['name']}: {side['version'] or 'no dataset yet'}, {side['rows']:,} rows"
    yield ""
    yield f"settings that differ: {len(told['settings']) or 'none'}"
    for name, (one, other) in told["settings"].items():
        yield f"  {visible(name)}: {visible(clip(one))} -> {visible(clip(other))}"
    yield ""
    yield from _table("rows by label", {name: _counts(pair) for name, pair in told["labels"].items()})
    yield ""
    yield from _fates(told["fates"])
    yield ""
    yield from _student(told["student"])
    yield ""
    yield from _texts(told["texts"])
    if told["diversity"]:
        yield ""
        size = told["diversity"]["texts"]
        figures = {name: pair for name, pair in told["diversity"].items() if name != "texts"}
        shown = {name.replace("_", " "): [f"{value:.3f}" for value in pair] for name, pair in figures.items()}
        yield from _table(f"diversity of {size} texts each", shown)


def _fates(fates: Mapping[str, Any]) -> Iterator[str]:
    made = [max(1, count) for count in fates["made"]]
    rows = {"made": _counts(fates["made"]), "kept": _shares(fates["kept"], made)}
    rows |= {f"lost: {name}": _shares(pair, made) for name, pair in fates["reasons"].items()}
    yield from _table("rows made, and where they went", rows)


def _student(student: Mapping[str, Any] | None) -> Iterator[str]:
    if student is None:
        yield "students: not both were tested"
        return
    same = "the same test rows" if student["same_test"] else "different test rows"
    how = ", pair by pair" if student["paired"] else ", as separate samples"
    yield f"students on {same}{how}"
    for name in ("accuracy", "macro_f1"):
        if (each := student[name]) is not None:
            one, other = each["values"]
            interval = f"{each['difference']:+.3f} [{each['low']:+.3f}, {each['high']:+.3f}]"
            yield f"  {name.replace('_', ' '):<9} {one:.3f} -> {other:.3f}  {interval}"


def _texts(texts: Mapping[str, Any]) -> Iterator[str]:
    one, other = texts["only"]
    yield f"texts: {texts['common']:,} in both, {one:,} in A alone, {other:,} in B alone"
    if texts["moved"]:
        yield f"  {texts['moved']:,} of those in both have another label"
    for each in texts["examples"]:
        yield f"  {' -> '.join(visible(str(label)) for label in each['labels'])}: {visible(each['text'], keep='')}"


def _table(title: str, rows: Mapping[str, Sequence[str]]) -> Iterator[str]:
    wide = max([len(title), *(len(visible(str(name))) + 2 for name in rows)])
    widths = [max([1, *(len(pair[side]) for pair in rows.values())]) for side in (0, 1)]
    yield f"{title:<{wide}}  {'A':>{widths[0]}}  {'B':>{widths[1]}}"
    for name, (one, other) in rows.items():
        yield f"  {visible(str(name)):<{wide - 2}}  {one:>{widths[0]}}  {other:>{widths[1]}}"


def _counts(pair: Sequence[int]) -> list[str]:
    return [f"{count:,}" for count in pair]


def _shares(pair: Sequence[int], made: Sequence[int]) -> list[str]:
    return [f"{count:,} ({100 * count / whole:.1f}%)" for count, whole in zip(pair, made, strict=True)]
