"""Two texts with a label for how they stand to each other, such as premise and hypothesis."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from generation.errors import UserError, clip
from generation.forms.base import MALFORMED
from generation.kinds.base import Kind, UnreadableError
from generation.kinds.fields import string
from generation.task import Example

MARK = "|||"
TEXT = "text"


@dataclass(frozen=True)
class PairKind(Kind):
    """Columns `text_a`, `text_b` and `label`; `text` is both, joined by MARK.

    Filters, deduplication, judge and student read the joined text. A small LM keeps the mark: of 32 answers after ten
    examples none lacked it, as with "=>" and "//", where a JSON list broke in nine.
    """

    name: ClassVar[str] = "pair"
    columns: ClassVar[tuple[str, ...]] = ("text_a", "text_b")
    form: ClassVar[str] = f"Each is two texts with {MARK} between them."
    has_parts: ClassVar[bool] = True

    def read_text(self, where: str, line: int, item: Mapping[str, Any]) -> Example:
        pair = [string(where, item, field) for field in self.columns]
        for field, text in zip(self.columns, pair, strict=True):
            if MARK in text:
                raise UserError(f"{where}: {field} must not contain {MARK!r}; got {clip(text)}")
        return Example(join(*pair), line=line)

    def parse(self, written: str, target: str) -> dict[str, Any]:
        pair = [text.strip() for text in written.split(MARK)]
        if len(pair) != 2 or not all(pair):
            raise UnreadableError(MALFORMED)
        return {"text": join(*pair), "text_a": pair[0], "text_b": pair[1]}


def join(text_a: str, text_b: str) -> str:
    """The two texts as one."""
    return f"{text_a.strip()} {MARK} {text_b.strip()}"


def text_columns(kind: str, text: str = TEXT) -> tuple[str, ...]:
    """The columns in which a kind's texts stand in a file; `text` (--text) names the one of a single text.

    Raises UserError where it is given for pairs.
    """
    if kind != PairKind.name:
        return (text,)
    if text != TEXT:
        raise UserError(f"--text: the texts of pairs are in {' and '.join(PairKind.columns)}; got {text!r}")
    return PairKind.columns


def join_all(firsts: Iterable[str | None], seconds: Iterable[str | None]) -> list[str]:
    """Each two texts as one; "" where one is missing or blank."""
    pairs = (((one or "").strip(), (two or "").strip()) for one, two in zip(firsts, seconds, strict=True))
    return [join(*pair) if all(pair) else "" for pair in pairs]
