"""The report as Markdown, for a pull request. Names and texts stand in code: they are no markup, and mention nobody."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from cluster.report import as_count, as_points, as_share, written
from cluster.report_data import ReportData
from cluster.visible import visible

_CUT = 160  # characters of a text
_RUNS = re.compile("`+")


def render_markdown(view: ReportData) -> str:
    """What the page says in tables, but for sample rows, maps and settings."""
    parts = [_head(view), _labels(view), _lost(view), _rounds(view), _student(view), _audit(view), _copies(view)]
    return "\n\n".join("\n".join(part) for each in parts if (part := list(each))) + "\n"


def code(text: object) -> str:
    """Any text as inline code of one line, also within a table."""
    told = visible(" ".join(str(text).split(" ")), keep="")
    told = told if len(told) <= _CUT else f"{told[: _CUT - 1]}…"
    told = re.sub(r"(\\)\||\|", lambda found: r"\⟨U+007C⟩" if found[1] else r"\|", told)
    if not told.strip():
        return "(empty)"
    fence = "`" * (1 + max((len(run) for run in _RUNS.findall(told)), default=0))
    padding = " " if told[0] in "` " or told[-1] in "` " else ""
    return f"{fence}{padding}{told}{padding}{fence}"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Numbers to the right, the first and the last column to the left where the last is of texts."""
    listed = list(rows)
    yield "| " + " | ".join(heads) + " |"
    yield "| " + " | ".join("---" if head in _TEXTS or not place else "---:" for place, head in enumerate(heads)) + " |"
    for row in listed:
        yield "| " + " | ".join(row) + " |"


_TEXTS = {"texts", "for example", "stopped because", "made for", "copy made for"}


def _head(view: ReportData) -> Iterator[str]:
    total, test = view.total, view.test
    yield f"# {code(view.run.get('name', 'run'))}"
    yield ""
    yield f"{view.seeds:,} seeds became {total.kept:,} labelled rows, of {total.generated:,} generated."
    if test and test.student and test.student.accuracy is not None:
        best = test.best_baseline
        gain = f", {as_points(test.gain(best))} points against {code(best.name)} on the seeds" if best else ""
        yield f"The student gets {as_share(test.student.accuracy)} of {as_count(test.rows)} held-out texts right{gain}."
    spent = sum(view.tokens.values())
    if spent and total.kept:
        cost = "" if view.cost is None else f", cost {view.cost / total.kept:,.4g}"
        yield f"Per kept row: {spent / total.kept:,.0f} tokens{cost}."


def _labels(view: ReportData) -> Iterator[str]:
    yield "## Labels"
    yield ""
    heads = ("label", "generated", "kept", "wanted", "moved away", "moved in", "dropped")
    yield from _table(
        heads,
        (
            (code(flow.label), *map(as_count, (flow.generated, flow.kept, flow.quota, flow.moved_away, flow.moved_in)),
             as_count(sum(flow.losses)))
            for flow in view.flows
        ),
    )  # fmt: skip


def _lost(view: ReportData) -> Iterator[str]:
    if not view.reasons:
        return
    total = view.total
    yield "## What was dropped"
    yield ""
    rows = zip(view.reasons, total.losses, strict=True)
    yield from _table(
        ("reason", "rows", "of generated"),
        ((code(name), as_count(rows_), as_share(rows_ / total.generated)) for name, rows_ in rows),
    )


def _rounds(view: ReportData) -> Iterator[str]:
    if not view.metrics:
        return
    yield "## Rounds"
    yield ""
    numbers = sorted({value.round for curve in view.curves for line in curve.lines for value in line.values})
    measures = [
        (f"{curve.title}{', ' if line.name else ''}{line.name}", curve.form, {each.round: each for each in line.values})
        for curve in view.curves
        for line in curve.lines
    ]
    rows = []
    for title, form, values in measures:
        told = [_value(values.get(number), form) for number in numbers]
        rows.append((title, *told))
    yield from _table(("measure", *(f"round {number}" for number in numbers)), rows)
    for number, metric in enumerate(view.metrics):
        if reason := metric.get("stop_reason"):
            line = f"- round {metric.get('round', number)} stopped because: {code(reason)}"
            if given_up := ", ".join(map(code, metric.get("given_up") or ())):
                line += f"; given up: {given_up}"
            yield ("" if number else "\n") + line


def _value(value: object, form: str) -> str:
    from cluster.report_curves import Value

    if not isinstance(value, Value):
        return "–"
    interval = ""
    if value.low is not None and value.high is not None:
        interval = f" ({written(value.low, form)} to {written(value.high, form)})"
    return written(value.value, form) + interval


def _student(view: ReportData) -> Iterator[str]:
    if view.test is None:
        return
    yield "## Student"
    yield ""
    yield from _table(
        ("trained by", "accuracy", "95% interval", "macro F1"),
        (
            (code(score.name), as_share(score.accuracy), f"{as_share(score.low)} – {as_share(score.high)}",
             as_share(score.macro_f1))
            for score in view.test.scores
        ),
    )  # fmt: skip
    if confused := view.test.confused(4):
        yield ""
        told = "; ".join(f"{code(actual)} for {code(predicted)} ({count:,})" for count, actual, predicted in confused)
        yield f"Most frequent mistakes, the right label and the one given: {told}."


def _audit(view: ReportData) -> Iterator[str]:
    if view.audit is None:
        return
    lot, decision = view.audit, view.audit["decision"]
    found = f"{decision['state']}, {decision['defects']:,} defects in {decision['checked']:,} rows checked"
    interval = f"between {as_share(decision['low'])} and {as_share(decision['high'])} with 95%"
    yield "## What people checked"
    yield ""
    yield f"Lot {lot['lot']} of {code(lot['version'])}: {found}, {interval}."


def _copies(view: ReportData) -> Iterator[str]:
    found = view.rows
    if not found.clusters:
        return
    yield "## Copies"
    yield ""
    yield from _table(
        ("rows", "exact copies", "made for", "texts"),
        (
            (as_count(each.rows), as_count(each.exact), ", ".join(code(label) for label in list(each.labels)[:3]),
             "<br>".join(code(text.text) + (f" ×{text.rows:,}" if text.rows > 1 else "")
                         for text in each.texts if text.text is not None))
            for each in found.clusters
        ),
    )  # fmt: skip
    if found.conflicts:
        yield ""
        yield f"{found.conflicts:,} copies were made for another label than the row that stands for them has:"
        yield ""
        yield from _table(
            ("stands as", "copy made for", "rows", "for example"),
            (
                (code(each.stands), code(each.copy), as_count(each.rows),
                 "<br>".join(code(text) for text in (each.text, each.other) if text is not None))
                for each in found.conflict_pairs
            ),
        )  # fmt: skip
