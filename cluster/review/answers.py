"""What a form of the page says, read as an answer."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from cluster.review.cases import Case
from cluster.review.verdicts import Answer
from generation.errors import UserError, clip
from generation.kinds import multi_label
from generation.kinds.base import Kind
from generation.kinds.fields import known_label
from generation.kinds.spans import check_tags

Form = Mapping[str, Sequence[str]]
MOST_SECONDS = 3600.0


def read_answer(kind: Kind, case: Case, form: Form) -> Answer:
    """The answer of a form with `action` (accept, label, tags, edit or discard). Raises UserError."""
    action, seconds = one(form, "action") or "label", seconds_of(form)
    if action == "discard":
        return Answer(keep=False, seconds=seconds)
    if action == "label":
        return Answer(label=read_label(kind, form.get("label", ())), seconds=seconds)
    if action == "tags":
        return Answer(content=_tags(kind, case, one(form, "tags")), seconds=seconds)
    if action == "edit":
        label = read_label(kind, form["label"]) if form.get("label") else None
        return Answer(label=label, content=edited(kind, case, form), seconds=seconds)
    if action != "accept":
        raise UserError(f"action: must be accept, label, tags, edit or discard; got {clip(action)}")
    return Answer(seconds=seconds)


def read_label(kind: Kind, given: Sequence[str]) -> str:
    """A label, or several as one. Raises UserError."""
    if not given:
        raise UserError("label: choose one at least")
    names = [known_label("label", name, kind.labels) for name in given]
    if len(names) > 1 and not kind.has_several:
        raise UserError(f"label: must be one; got {clip(names)}")
    return multi_label.join(set(names)) if kind.has_several else names[0]


def edited(kind: Kind, case: Case, form: Form) -> dict[str, Any]:
    """Columns of the row with the texts of a form, as far as they differ. Raises UserError."""
    if kind.name == "pair":
        fields = {name: _text(form, name) for name in ("text_a", "text_b")}
        if all(_as_sent(case.row[name]) == _as_sent(text) for name, text in fields.items()):
            return {}
        return {"text": kind.read_text("edit", 0, fields).text, **fields}
    text = _text(form, "text")
    if kind.name != "tags":
        return {} if _as_sent(text) == _as_sent(case.row["text"]) else {"text": text}
    read = kind.read("edit", 0, {"text": text})
    if (_as_sent(read.text), list(read.tags)) == (_as_sent(case.row["text"]), case.row["tags"]):
        return {}
    return {"text": read.text, "tokens": list(read.tokens), "tags": list(read.tags)}


def one(form: Form, name: str) -> str:
    """The value of a field that is there once; "" where it is not."""
    values = form.get(name, ())
    return values[0] if len(values) == 1 else ""


def _tags(kind: Kind, case: Case, given: str) -> dict[str, Any]:
    try:
        tags = json.loads(given)
    except (ValueError, RecursionError):
        tags = None
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise UserError(f"tags: must be a list of tags; got {clip(given)}")
    check_tags("tags", case.row["tokens"], tags, kind.labels)
    return {"tags": tags}


def _text(form: Form, name: str) -> str:
    text = one(form, name).replace("\r\n", "\n").strip()
    if not text:
        raise UserError(f"{name}: must not be blank; to drop a row, discard it")
    return text


def _as_sent(text: str) -> str:
    """A text as a browser sends it back unchanged; a file of another tool may have it as it is."""
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "\ufffd").strip()


def seconds_of(form: Form) -> float:
    """Seconds that a form says it took; 0 where it says nothing that can be."""
    try:
        told = float(one(form, "seconds") or 0)
    except ValueError:
        return 0.0
    return min(max(told, 0.0), MOST_SECONDS) if math.isfinite(told) else 0.0
