"""Rows as a table for spreadsheets, and what people wrote into it.

A spreadsheet takes a cell that begins with = + - @ for a formula. Such cells get an apostrophe before them, as do those
that begin with one; it is taken off again when a file is read.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from typing import Any

from cluster.review.answers import edited, read_label
from cluster.review.cases import Case
from cluster.review.verdicts import Answer
from generation.errors import UserError, clip
from generation.kinds import multi_label
from generation.kinds.base import Kind
from generation.kinds.fields import string
from generation.kinds.pair import text_columns
from generation.task import Example

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "'", "＝", "＋", "－", "＠")
VERDICTS = ("", "accept", "discard")


def table_of(kind: Kind, cases: Iterable[Case]) -> str:
    """CSV with a line per row. A person changes `label` or the text, or writes accept or discard into `verdict`."""
    sink = io.StringIO(newline="")
    writer = csv.writer(sink)
    writer.writerow(["id", *text_columns(kind.name), *_label_column(kind), "verdict", "auditor"])
    for case in cases:
        label = [case.label] if _label_column(kind) else []
        writer.writerow([neutral(cell) for cell in [case.id, *_texts(kind, case).values(), *label, "", ""]])
    return sink.getvalue()


def answer_of(kind: Kind, case: Case, where: str, item: Mapping[str, Any]) -> list[tuple[str, Answer]]:
    """(who, answer) of a line; none where nothing was written into it. Raises UserError that names the field."""
    verdict = plain(item.get("verdict") or "").strip().lower()
    if verdict not in VERDICTS:
        raise UserError(f"{where}: verdict must be accept, discard or empty; got {clip(verdict)}")
    who = plain(item.get("auditor") or "")
    if verdict == "discard":
        return [(who, Answer(keep=False))]
    try:
        answer = Answer(label=_label(kind, item), content=_content(kind, case, item))
    except UserError as error:
        raise UserError(f"{where}: {error}") from None
    unchanged = not answer.content and answer.label in (None, case.label)
    return [] if unchanged and not verdict else [(who, answer)]


def neutral(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def plain(cell: str) -> str:
    """What `neutral` was given."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_FORMULA) else cell


def _label(kind: Kind, item: Mapping[str, Any]) -> str | None:
    if not (columns := _label_column(kind)) or columns[0] not in item:
        return None
    told = plain(string("line", item, columns[0]))
    return read_label(kind, multi_label.split(told) if kind.has_several else [told])


def _content(kind: Kind, case: Case, item: Mapping[str, Any]) -> dict[str, Any]:
    if not set(text_columns(kind.name)) <= item.keys():
        return {}
    return edited(kind, case, {name: [plain(item[name])] for name in text_columns(kind.name)})


def _texts(kind: Kind, case: Case) -> dict[str, str]:
    if kind.name == "tags":
        tokens, tags = tuple(case.row["tokens"] or ()), tuple(case.row["tags"] or ())
        return {"text": kind.write(Example(case.row["text"] or "", tokens=tokens, tags=tags))}
    return {name: case.row[name] or "" for name in text_columns(kind.name)}


def _label_column(kind: Kind) -> tuple[str, ...]:
    """Of tags there is none: the spans stand in the text."""
    return () if kind.name == "tags" else ("labels",) if kind.has_several else ("label",)
