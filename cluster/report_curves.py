"""What changed from round to round, as small charts: values first, then places on paper."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from cluster.report_scores import newest_test

WIDTH, HEIGHT = 320, 190
_LEFT, _RIGHT, _TOP, _BOTTOM = 48, 214, 12, 160  # right of it is room for names
_NAME = 28  # the height of a name and a value below it
_TICKS, LEAST_SPAN = 4, 0.1


class Value(NamedTuple):
    """Of one round; `low` and `high` are its 95% interval, where there is one."""

    round: int
    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Line:
    """A measure by round; `name` tells it from others of its chart, "" where it is alone."""

    name: str
    values: tuple[Value, ...]


@dataclass(frozen=True)
class Curve:
    """Lines of one chart; `form` is "share", "count" or "number", how its values are written."""

    title: str
    form: str
    lines: tuple[Line, ...]


def curves_of(metrics: Sequence[Mapping[str, Any]], audited: Iterable[Mapping[str, Any]] = ()) -> tuple[Curve, ...]:
    """Charts of metrics.json by round, and of what people found (`round`, `share`, `low`, `high`); none is empty."""
    rounds = [(metric.get("round", number), metric) for number, metric in enumerate(metrics)]
    tests = [(number, test) for number, metric in rounds if (test := newest_test([metric], []))]
    best = [(number, test.best_baseline) for number, test in tests]
    noise = [(number, metric["noise"]) for number, metric in rounds if metric.get("noise")]
    found = [
        Curve(
            "Accuracy on the test texts",
            "share",
            (
                _line("student", ((n, test.student.accuracy, test.student.low, test.student.high)
                                  for n, test in tests if test.student)),
                _line("best baseline", ((n, score.accuracy) for n, score in best if score)),
            ),
        ),
        Curve(
            "Wrong labels among kept rows",
            "share",
            (
                _line("by people", ((each["round"], each["share"], each["low"], each["high"]) for each in audited)),
                _line("by the judge", ((n, each.get("share"), each.get("low"), each.get("high")) for n, each in noise)),
            ),
        ),
        _one("Distinct 2-grams", "share", ((n, _varied(metric, "distinct_2")) for n, metric in rounds)),
        _one("Mean similarity", "number", ((n, _varied(metric, "similarity")) for n, metric in rounds)),
        _one("Vendi score", "number", ((n, _varied(metric, "vendi")) for n, metric in rounds)),
        _one("Tokens per accepted row", "count", ((n, _tokens(metric)) for n, metric in rounds)),
        _one("Cost per accepted row", "number", ((n, _cost(metric)) for n, metric in rounds)),
    ]  # fmt: skip
    drawn = [Curve(each.title, each.form, tuple(line for line in each.lines if line.values)) for each in found]
    return tuple(curve for curve in drawn if curve.lines)


def _line(name: str, values: Iterable[tuple[Any, ...]]) -> Line:
    return Line(name, tuple(Value(*each) for each in values if each[1] is not None))


def _one(title: str, form: str, values: Iterable[tuple[Any, ...]]) -> Curve:
    return Curve(title, form, (_line("", values),))


def _varied(metric: Mapping[str, Any], measure: str) -> float | None:
    return ((metric.get("diversity") or {}).get("all") or {}).get(measure)


def accepted_of(metric: Mapping[str, Any]) -> int:
    """Rows accepted in a round."""
    return sum((metric.get("accepted") or {}).values())


def _tokens(metric: Mapping[str, Any]) -> float | None:
    tokens = sum(count or 0 for count in (metric.get("tokens") or {}).values())
    return tokens / accepted if tokens and (accepted := accepted_of(metric)) else None


def _cost(metric: Mapping[str, Any]) -> float | None:
    return (metric.get("cost") or {}).get("per_accepted_row")


class Mark(NamedTuple):
    """A value on paper: its place, the ends of its interval, and what is said of it."""

    x: float
    y: float
    low: float | None
    high: float | None
    value: Value


class Tick(NamedTuple):
    """A value of an axis and its place."""

    at: float
    value: float


@dataclass(frozen=True)
class Drawn:
    """A line on paper; its name stands right of its last mark, `told` high."""

    name: str
    marks: tuple[Mark, ...]
    told: float

    @property
    def path(self) -> str:
        """The line through the marks."""
        return " ".join(f"{mark.x},{mark.y}" for mark in self.marks)


@dataclass(frozen=True)
class Chart:
    """A curve on WIDTH × HEIGHT units."""

    curve: Curve
    rounds: tuple[Tick, ...]
    ticks: tuple[Tick, ...]
    lines: tuple[Drawn, ...]


def chart_of(curve: Curve) -> Chart:
    """Where everything of a curve goes."""
    values = [value for line in curve.lines for value in line.values]
    numbers = sorted({value.round for value in values})
    low = min(value.value if value.low is None else value.low for value in values)
    high = max(value.value if value.high is None else value.high for value in values)
    ticks = _nice(*_widened(low, high, curve.form == "share"))

    def x(number: int) -> float:
        share = numbers.index(number) / (len(numbers) - 1) if len(numbers) > 1 else 0.5
        return round(_LEFT + 12 + share * (_RIGHT - _LEFT - 12), 1)

    def y(value: float | None) -> float | None:
        if value is None:
            return None
        return round(_BOTTOM - (value - ticks[0]) / (ticks[-1] - ticks[0]) * (_BOTTOM - _TOP), 1)

    ends = _apart([y(line.values[-1].value) or 0.0 for line in curve.lines])
    lines = [
        Drawn(
            line.name,
            tuple(Mark(x(each.round), y(each.value) or 0.0, y(each.low), y(each.high), each) for each in line.values),
            end,
        )
        for line, end in zip(curve.lines, ends, strict=True)
    ]
    spaced = numbers[:: math.ceil(len(numbers) / 12)]
    return Chart(
        curve,
        tuple(Tick(x(number), number) for number in spaced),
        tuple(Tick(y(value) or 0.0, value) for value in ticks),
        tuple(lines),
    )


def _apart(heights: list[float]) -> list[float]:
    """The heights of two names, or one, so far from each other that both can be read."""
    if len(heights) == 2 and abs(heights[0] - heights[1]) < _NAME:
        middle = min(max(sum(heights) / 2, _TOP + _NAME / 2), _BOTTOM - _NAME / 2)
        half = _NAME / 2 if heights[0] > heights[1] else -_NAME / 2
        return [round(middle + half, 1), round(middle - half, 1)]
    return heights


def _widened(low: float, high: float, is_share: bool) -> tuple[float, float]:
    """At least LEAST_SPAN of the greater value, so that a small change looks small; shares stay within 0 and 1."""
    lacking = max(0.0, LEAST_SPAN * max(abs(low), abs(high)) - (high - low)) / 2
    low, high = low - lacking, high + lacking
    return (max(0.0, low), min(1.0, high)) if is_share else (low, high)


def _nice(low: float, high: float) -> list[float]:
    """Round values from below `low` to above `high`, at least two."""
    span = (high - low) or abs(high) or 1.0
    raw = span / _TICKS
    unit = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * unit for factor in (1, 2, 2.5, 5, 10) if factor * unit >= raw * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    if first == last:
        first, last = first - (low > 0 or low < 0), last + 1
    return [round(number * step, 12) for number in range(first, last + 1)]
