"""Single values of a hand-made file, checked: a mistake is one line that says where it is."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from typing import Any

from generation.errors import UserError, clip


def string(where: str, item: Mapping[str, Any], field: str) -> str:
    """The text in a field. Raises UserError when it is missing, blank, or none."""
    value = given(where, item, field)
    if not isinstance(value, str):
        raise UserError(f"{where}: {field} must be a string; got {clip(value)}")
    if not value.strip():
        raise UserError(f"{where}: {field} must not be blank; got {clip(value)}")
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise UserError(f"{where}: {field} must be valid Unicode (no lone surrogates); got {clip(value)}")
    return value


def strings(where: str, item: Mapping[str, Any], field: str) -> list[str]:
    """The texts in a field that holds a list, one or more. Raises UserError."""
    value = given(where, item, field)
    if not isinstance(value, list | tuple) or not value:
        raise UserError(f"{where}: {field} must be a list of strings; got {clip(value)}")
    return [string(f"{where}: {field}", {str(place): each}, str(place)) for place, each in enumerate(value, 1)]


def given(where: str, item: Mapping[str, Any], field: str) -> Any:
    """What stands in a field. Raises UserError when it is missing."""
    if field not in item:
        raise UserError(f"{where}: {field} is missing; got {clip(', '.join(map(str, item)))}")
    return item[field]


def known_label(where: str, label: str, labels: Collection[str], what: str = "label") -> str:
    """`label` if it is one of `labels`. Raises UserError."""
    if label in labels:
        return label
    close = difflib.get_close_matches(label, list(labels), n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(labels)}"
    raise UserError(f"{where}: unknown {what} {clip(label)}; {hint}")
