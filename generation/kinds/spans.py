"""Spans of a text that fill slots, and the same as tokens with BIO tags."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from generation.errors import UserError, clip
from generation.kinds.fields import known_label, string

OUTSIDE = "O"


class Span(NamedTuple):
    """Characters from `start` up to `end` of a text, which fill a slot."""

    slot: str
    start: int
    end: int


def bio(text: str, spans: Sequence[Span]) -> tuple[list[str], list[str]]:
    """Tokens and BIO tags of a text; `spans` ascend and do not overlap. A token ends where a span begins or ends."""
    tokens, tags, place = list[str](), list[str](), 0
    for span in spans:
        tokens += (before := text[place : span.start].split())
        tags += [OUTSIDE] * len(before)
        tokens += (inside := text[span.start : span.end].split())
        tags += [f"B-{span.slot}"] + [f"I-{span.slot}"] * (len(inside) - 1)
        place = span.end
    tokens += (rest := text[place:].split())
    return tokens, tags + [OUTSIDE] * len(rest)


def spans_of_tokens(tokens: Sequence[str], tags: Sequence[str], text: str | None = None) -> list[Span]:
    """The spans that BIO tags stand for, in `text`, which holds the tokens in their order; by default they, spaced."""
    text = " ".join(tokens) if text is None else text
    spans, place = list[Span](), 0
    for token, tag in zip(tokens, tags, strict=True):
        start = text.index(token, place)
        place = start + len(token)
        if tag.startswith("B-"):
            spans.append(Span(tag[2:], start, place))
        elif tag != OUTSIDE:
            spans[-1] = spans[-1]._replace(end=place)
    return spans


def tag_columns(slots: Sequence[str]) -> list[str]:
    """O, and then B- and I- of each slot."""
    return [OUTSIDE, *(f"{mark}-{slot}" for slot in slots for mark in "BI")]


def word_spans(tags: Sequence[str]) -> Iterator[tuple[str, int, int]]:
    """(slot, first word, behind the last word) of each span; an I- without its B- begins one."""
    slot, start = "", 0
    for place, tag in enumerate([*tags, OUTSIDE]):
        if slot and tag != f"I-{slot}":
            yield slot, start, place
            slot = ""
        if tag != OUTSIDE and not slot:
            slot, start = tag[2:], place


def check_tags(where: str, tokens: Sequence[str], tags: Sequence[str], slots: Collection[str]) -> None:
    """Raises UserError unless there is a BIO tag of one of `slots`, or O, for each token, which has no spaces in it."""
    if len(tokens) != len(tags):
        raise UserError(f"{where}: tokens and tags must be equally many; got {len(tokens)} and {len(tags)}")
    for token in tokens:
        if token.split() != [token]:
            raise UserError(f"{where}: tokens must be free of spaces; got {clip(token)}")
    for before, tag in itertools.pairwise([OUTSIDE, *tags]):
        if tag == OUTSIDE:
            continue
        if tag[:2] not in ("B-", "I-"):
            raise UserError(f"{where}: tags must be O, B-SLOT or I-SLOT; got {clip(tag)}")
        known_label(where, tag[2:], slots, "slot")
        if tag[0] == "I" and before[2:] != tag[2:]:
            raise UserError(f"{where}: tags: {tag} must follow B-{tag[2:]} or I-{tag[2:]}; it follows {before}")


def read_spans(where: str, text: str, given: Any, slots: Collection[str]) -> list[Span]:
    """Spans given as a list of {slot, span: [start, end]}, ascending; a `text` beside them must be what they cut out.

    Raises UserError for one that does not slice the text, is blank, or overlaps another.
    """
    if not isinstance(given, list | tuple) or not all(isinstance(each, Mapping) for each in given):
        raise UserError(f"{where}: slots must be a list of objects with slot and span; got {clip(given)}")
    spans = sorted((_span(where, text, each, slots) for each in given), key=lambda span: span.start)
    for one, other in itertools.pairwise(spans):
        if other.start < one.end:
            raise UserError(f"{where}: spans must not overlap; got {list(one[1:])} and {list(other[1:])}")
    return spans


def _span(where: str, text: str, given: Mapping[str, Any], slots: Collection[str]) -> Span:
    slot, ends = known_label(where, string(where, given, "slot"), slots, "slot"), given.get("span")
    if not isinstance(ends, list | tuple) or len(ends) != 2 or not all(type(end) is int for end in ends):
        raise UserError(f"{where}: span of {slot!r} must be [start, end]; got {clip(ends)}")
    start, end = ends
    value = text[start:end] if 0 <= start < end <= len(text) else ""
    if not value.strip() or given.get("text", value) != value:
        raise UserError(
            f"{where}: span {[start, end]} of {slot!r} must cut {clip(given.get('text', 'a value'))} out of the text; "
            f"got {clip(value)}"
        )
    return Span(slot, start, end)
