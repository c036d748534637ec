"""The report of a run as one HTML page that needs nothing else.

Rows are text from a model and may be hostile. Every value is shown with its hidden characters named (`visible`),
then escaped; the page's content security policy allows its own style and script by hash and nothing else.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from cluster.report_curves import chart_of
from cluster.report_data import ReportData
from cluster.report_fates import OVER_QUOTA, WAITING
from cluster.report_flow import Flow
from cluster.report_maps import OUTCOMES
from cluster.visible import visible
from generation.kinds import KINDS

_HOST_KEYS = frozenset({"host", "hostname", "node", "node_ip"})


class Step(NamedTuple):
    """A bar of the waterfall: `start` and `width` in percent of what was generated."""

    name: str
    kind: str
    rows: int
    start: float
    width: float


def render_report(view: ReportData) -> str:
    """The page; equal views give equal pages."""
    return _template().render(
        view=view,
        run=view.run,
        total=view.total,
        test=view.test,
        steps=waterfall(view.total, view.reasons),
        charts=[chart_of(curve) for curve in view.curves],
        rowmap=view.rowmap,
        datamap=view.datamap,
    )


def waterfall(flow: Flow, reasons: tuple[str, ...]) -> list[Step]:
    """From generated through each loss to what is kept, in the order of the numbers in the table."""
    whole = max(1, flow.generated)
    steps, left = [Step("generated", "all", flow.generated, 0, 100 if flow.generated else 0)], flow.generated
    for name, count in zip(reasons, flow.losses, strict=True):
        left -= count
        steps.append(Step(name, loss_kind(name, reasons), count, 100 * left / whole, 100 * count / whole))
    moved, kept = 100 * flow.moved_away / whole, 100 * flow.confirmed / whole
    steps.append(Step("kept under another label", "moved", flow.moved_away, kept, moved))
    steps.append(Step("kept", "kept", flow.confirmed, 0, kept))
    return steps


def segments(flow: Flow, reasons: tuple[str, ...]) -> list[Step]:
    """The same flow as one stacked bar: kept first, then moved, then the losses."""
    order = [*reversed(waterfall(flow, reasons)[1:])]
    losses = list(reversed(order[2:]))
    start, laid = 0.0, []
    for step in (*order[:2], *losses):
        laid.append(step._replace(start=start))
        start += step.width
    return [step for step in laid if step.rows]


def loss_kind(name: str, reasons: tuple[str, ...]) -> str:
    """Style class of a loss: what was kept aside looks unlike what was thrown away."""
    aside = {OVER_QUOTA: "surplus", WAITING: "waiting"}
    if name in aside:
        return aside[name]
    return "held" if name.startswith("held: ") else f"loss{reasons.index(name) % 8}"


@cache
def _template() -> Any:
    return page_environment().get_template("report.html.j2")


def page_environment() -> Environment:
    """Templates of pages that show text from models and people: every value is made visible, then escaped."""
    environment = Environment(
        loader=PackageLoader("cluster"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "count": as_count,
        "share": as_share,
        "price": lambda value: "–" if value is None else f"{value:,.4g}",
        "points": as_points,
        "duration": _duration,
        "csp": _csp,
        "settings": _settings,
        "answer": lambda value: " ".join(value) if isinstance(value, list) else value,
        "form": written,
        "clipped": lambda text, most: text if len(text) <= most else f"{text[: most - 1]}…",
        "words": lambda name: str(name).replace("_", " "),
    }
    environment.globals |= {"kinds": KINDS, "outcomes": OUTCOMES, "segments": segments, "loss_kind": loss_kind}
    return environment


def _shown(value: Any) -> Any:
    if isinstance(value, Markup):
        return value
    return visible(str(value)) if value is not None else "–"


def as_count(value: float | None, digits: int = 0) -> str:
    return "–" if value is None else f"{value:,.{digits}f}"


def as_share(value: float | None, digits: int = 1) -> str:
    return "–" if value is None else f"{100 * value:.{digits}f}%"


def written(value: float, form: str, short: bool = False) -> str:
    """A value of a curve; `short` on an axis."""
    if form == "share":
        return f"{100 * value:.3g}%" if short else f"{100 * value:.1f}%"
    if form == "count":
        return f"{value:,.0f}" if value >= 10 else f"{value:.3g}"
    return f"{value:,.3g}" if abs(value) < 1000 else f"{value:,.0f}"


def as_points(value: float | None) -> str:
    """A difference of two shares in percentage points, with its sign."""
    return "–" if value is None else f"{100 * value:+.1f}".replace("-", "−")


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return "–"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"


def _csp(text: str) -> Markup:
    """Hash source of an inline style or script for the content security policy."""
    return Markup("'sha256-" + base64.b64encode(hashlib.sha256(str(text).encode()).digest()).decode() + "'")


def _settings(values: Mapping[str, Any] | None, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Nested settings as (a.b, value); folders of paths and names of hosts stay out of the page."""
    for name, value in (values or {}).items():
        if isinstance(value, Mapping) and value:
            yield from _settings(value, f"{prefix}{name}.")
        elif name not in _HOST_KEYS:
            yield f"{prefix}{name}", _setting(value)


def _setting(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(_setting(item) for item in value) or "none"
    text = "none" if value is None else str(value)
    return text.rsplit("/", 1)[-1] if text.startswith("/") else text
