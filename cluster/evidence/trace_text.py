"""A trace as lines for a terminal. Rows are text from models and people: what is hidden in them is shown by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cluster.visible import visible


def render_trace(told: Mapping[str, Any]) -> str:
    """Plain lines."""
    return "\n".join(_lines(told))


def _lines(told: Mapping[str, Any]) -> Iterator[str]:
    wave = "" if told["wave"] is None else f", wave {told['wave']}"
    yield f"row        {told['id']}, {told['source']}, round {told['round']}{wave}"
    for name in ("text", "text_a", "text_b", "labels", "tokens", "tags"):
        if name in told:
            yield f"{name:<10} {_shown(told[name])}"
    yield f"label      {_shown(told['label'])} ({told['status'] or 'no verdict yet'}{_asked(told)})"
    yield f"in         {', '.join(told['versions']) or 'no dataset version'}" + "".join(
        f", sampled in lot {number}" for number in told["lots"]
    )
    yield from _made(told)
    yield from _pick(told["pick"])
    yield from _prompt(told["request"])
    yield from _parents(told)
    yield from _verdicts(told["verdicts"])
    yield from _student(told["student"])


def _asked(told: Mapping[str, Any]) -> str:
    asked = told["intended_label"]
    return "" if asked in (None, told["label"]) else f", asked for as {_shown(asked)}"


def _made(told: Mapping[str, Any]) -> Iterator[str]:
    yield ""
    yield "made by"
    for name, value in told["made"].items():
        yield f"  {name.replace('_', ' '):<18} {_pairs(value, 10) if isinstance(value, Mapping) else _shown(value)}"


def _pick(pick: Mapping[str, Any] | None) -> Iterator[str]:
    if pick is None:
        return
    yield ""
    yield f"picked by {pick['feed']}"
    yield from (f"  {name.replace('_', ' '):<18} {_one(value)}" for name, value in pick.items() if name != "feed")


def _prompt(request: Mapping[str, Any] | None) -> Iterator[str]:
    if request is None:
        return
    yield ""
    padded = f", after {request['padding']} line breaks" if request["padding"] else ""
    yield f"prompt of request {request['request_id']} ({request['form']}{padded})"
    yield from (f"  | {_shown(line)}" for line in (request["prompt"] or "").split("\n"))


def _parents(told: Mapping[str, Any]) -> Iterator[str]:
    yield ""
    yield f"from {len(told['parents'])} seeds or rows"
    for each in told["parents"]:
        text = "not in the run any more" if each["text"] is None else f"{_shown(each['label'])}: {_shown(each['text'])}"
        yield f"  {each['kind']:<7} {each['id']}  {text}"
    if told["children"]:
        yield f"  stood in the prompt of {len(told['children'])} rows: {', '.join(told['children'])}"


def _verdicts(verdicts: list[Mapping[str, Any]]) -> Iterator[str]:
    yield ""
    yield "verdicts" if verdicts else "no verdict yet"
    for each in verdicts:
        yield from _verdict(each)


def _verdict(each: Mapping[str, Any]) -> Iterator[str]:
    reason = f", {each['reason']}" if each["reason"] else ""
    step = f"{each['revision']}  {each['at'] or ''}  {each['stage'] or 'no step'}"
    yield f"  {step}: {each['status']} as {_shown(each['label'])}{reason}"
    if each["person"]:
        before = each["before"]
        held = f", before: {before['status']} as {_shown(before['label'])}" if before else ""
        yield f"     by {_shown(each['person'])}{held}"
    if each["survivor"]:
        yield f"     in favour of {each['survivor']['id']}  {_shown(each['survivor'].get('text') or '')}".rstrip()
    for name in ("scores", "shares"):
        if each[name]:
            yield f"     {name} {_pairs(each[name])}"


def _student(view: Mapping[str, Any] | None) -> Iterator[str]:
    yield ""
    if view is None:
        yield "student    not asked, or none yet"
        return
    answer = view.get("label") or view.get("labels") or view.get("tags")
    yield f"student    of round {view['round']}: {_shown(answer)} ({view['confidence']:.3f})"


def _pairs(pairs: Mapping[str, Any], digits: int = 4) -> str:
    return ", ".join(f"{_shown(name)} {_one(value, digits)}" for name, value in pairs.items())


def _one(value: Any, digits: int = 4) -> str:
    return f"{value:.{digits}g}" if isinstance(value, float) else _shown(value)


def _shown(value: Any) -> str:
    """On one line."""
    if isinstance(value, list):
        return " ".join(map(_shown, value))
    return "none" if value is None else visible(str(value), keep="")
