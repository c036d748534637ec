"""Span F1 (as in CoNLL 2000): a span is right if its slot and both its ends are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from generation.kinds.spans import OUTSIDE
from training.evaluate import f1_of_counts, ratio

WordSpan = tuple[str, int, int]


def word_spans(tags: Sequence[str]) -> Iterator[WordSpan]:
    """(slot, first word, behind the last word) of each span; an I- without its B- begins one."""
    slot, start = "", 0
    for place, tag in enumerate([*tags, OUTSIDE]):
        if slot and tag != f"I-{slot}":
            yield slot, start, place
            slot = ""
        if tag != OUTSIDE and not slot:
            slot, start = tag[2:], place


def evaluate_spans(
    gold: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]], slots: Sequence[str]
) -> dict[str, Any]:
    """JSON-able measures of tags against tags.

    `accuracy` is the share of texts whose spans are all right, `micro_f1` counts all spans, `macro_f1` is the mean over
    the slots that occur; `per_class` {slot: {precision, recall, f1, support}}. A ratio over nothing is 0.
    """
    hits, given, wanted = Counter[str](), Counter[str](), Counter[str]()
    whole = 0
    for true, guess in zip(gold, predicted, strict=True):
        right, found = set(word_spans(true)), set(word_spans(guess))
        whole += right == found
        hits.update(slot for slot, *_ in right & found)
        given.update(slot for slot, *_ in found)
        wanted.update(slot for slot, *_ in right)
    return {"accuracy": ratio(whole, len(gold)), **f1_of_counts(hits, given, wanted, slots)}
