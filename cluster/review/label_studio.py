"""Rows as tasks of Label Studio, and its annotations as answers.

Its JSON format: a list of tasks with `data`, `predictions` (what the machine says) and `annotations` (what people say).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from xml.sax.saxutils import quoteattr

from cluster.review.answers import read_label
from cluster.review.cases import Case
from cluster.review.verdicts import Answer
from generation.errors import UserError, clip
from generation.kinds import multi_label
from generation.kinds.base import Kind
from generation.kinds.pair import text_columns
from generation.kinds.spans import Span, bio, read_spans, spans_of_tokens

MODEL = "labelmill"


def tasks_of(kind: Kind, cases: Iterable[Case]) -> list[dict[str, Any]]:
    """A task per row, with the machine's label as prediction and people's as annotations."""
    return [_task(kind, case) for case in cases]


def configuration(kind: Kind) -> str:
    """The labeling interface that these tasks are for, in Label Studio's XML."""
    names = [f"<{_tag(kind)} value={quoteattr(name)}/>" for name in kind.labels]
    if kind.name == "tags":
        return _view('<Labels name="label" toName="text">', names, "</Labels>", ["text"])
    choice = "multiple" if kind.has_several else "single"
    opening = f'<Choices name="label" toName="{text_columns(kind.name)[0]}" choice="{choice}">'
    return _view(opening, names, "</Choices>", text_columns(kind.name))


def answer_of(kind: Kind, case: Case, where: str, task: Mapping[str, Any]) -> list[tuple[str, Answer]]:
    """(who, answer) of each annotation of a task; a cancelled one is a row that was skipped. Raises UserError."""
    found = []
    for number, each in enumerate(_listed(where, task, "annotations"), 1):
        at = f"{where}: annotations {number}"
        if each.get("was_cancelled"):
            continue
        who = each.get("completed_by")
        who = who.get("email", who.get("id")) if isinstance(who, Mapping) else who
        seconds = each.get("lead_time")
        seconds = float(seconds) if isinstance(seconds, int | float) and 0 <= seconds < 1e9 else 0.0
        answer = _read(kind, case, at, _listed(at, each, "result"))
        found.append((str(who or ""), Answer(answer.keep, answer.label, answer.content, seconds)))
    return found


def _task(kind: Kind, case: Case) -> dict[str, Any]:
    data = {"id": case.id, **{name: case.row[name] or "" for name in text_columns(kind.name)}}
    label = {"result": _result(kind, case, case.label), "model_version": MODEL}
    people = [
        {"result": _result(kind, case, verdict["label"] or case.label), "completed_by": who}
        for who, verdict in case.history.given.items()
        if verdict["reason"] in ("confirmed", "corrected")
    ]
    return {"data": data, "predictions": [label], "annotations": people}


def _result(kind: Kind, case: Case, label: str) -> list[dict[str, Any]]:
    at = {"from_name": "label", "to_name": text_columns(kind.name)[0]}
    if kind.name != "tags":
        choices = list(multi_label.split(label)) if kind.has_several else [label]
        return [{**at, "type": "choices", "value": {"choices": choices}}]
    text = case.row["text"] or ""
    spans = spans_of_tokens(case.row["tokens"] or (), case.row["tags"] or (), text)
    return [
        {
            **at,
            "type": "labels",
            "value": {"start": span.start, "end": span.end, "text": text[span.start : span.end], "labels": [span.slot]},
        }
        for span in spans
    ]


def _read(kind: Kind, case: Case, where: str, results: Sequence[Mapping[str, Any]]) -> Answer:
    wanted = "labels" if kind.name == "tags" else "choices"
    values = [_value(f"{where}: result {number}", each, wanted) for number, each in enumerate(results, 1)]
    if kind.name == "tags":
        spans = _spans(kind, case, where, values)
        tokens, tags = bio(case.row["text"], spans)
        return Answer(content={"tokens": tokens, "tags": tags})
    names = [name for value in values for name in value["choices"]]
    try:
        return Answer(label=read_label(kind, names))
    except UserError as error:
        raise UserError(f"{where}: {error}") from None


def _spans(kind: Kind, case: Case, where: str, values: Sequence[Mapping[str, Any]]) -> list[Span]:
    given = []
    for value in values:
        if len(value["labels"]) != 1:
            raise UserError(f"{where}: labels: a span must have one; got {clip(value['labels'])}")
        cut = {"text": value["text"]} if "text" in value else {}
        given.append({"slot": value["labels"][0], "span": [value.get("start"), value.get("end")], **cut})
    return read_spans(where, case.row["text"], given, kind.labels)


def _value(where: str, result: Mapping[str, Any], wanted: str) -> Mapping[str, Any]:
    value = result.get("value")
    if isinstance(value, Mapping):
        names = value.get(wanted)
        if isinstance(names, list) and all(isinstance(name, str) for name in names):
            return value
    raise UserError(f"{where}: value must have a list {wanted}; got {clip(value)}")


def _listed(where: str, item: Mapping[str, Any], field: str) -> list[Mapping[str, Any]]:
    listed = item.get(field) or []
    if not isinstance(listed, list) or not all(isinstance(each, Mapping) for each in listed):
        raise UserError(f"{where}: {field} must be a list of objects; got {clip(listed)}")
    return listed


def _tag(kind: Kind) -> str:
    return "Label" if kind.name == "tags" else "Choice"


def _view(opening: str, names: Sequence[str], closing: str, fields: Sequence[str]) -> str:
    texts = [f'<Text name="{name}" value="${name}"/>' for name in fields]
    lines = [
        "<View>",
        *(f"  {line}" for line in (*texts, opening, *(f"  {name}" for name in names), closing)),
        "</View>",
    ]
    return "\n".join(lines) + "\n"
