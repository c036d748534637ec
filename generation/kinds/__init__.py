"""Kinds of tasks, one a file; adding one touches its file, the table here and the columns of records.py."""

from __future__ import annotations

from collections.abc import Iterable

from generation.kinds.base import Kind
from generation.kinds.label import LabelKind
from generation.kinds.multi_label import MultiLabelKind
from generation.kinds.pair import PairKind
from generation.kinds.tags import TagsKind

KINDS: dict[str, type[Kind]] = {kind.name: kind for kind in (LabelKind, MultiLabelKind, PairKind, TagsKind)}
# what a file of examples may hold beside attributes
COLUMNS = frozenset({"text", "label", "slots"}).union(*(kind.columns for kind in KINDS.values()))


def make_kind(name: str, labels: Iterable[str] = ()) -> Kind:
    """The kind called `name` of a task with these labels."""
    return KINDS[name](tuple(labels))
